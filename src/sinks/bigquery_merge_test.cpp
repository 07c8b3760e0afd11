#include "sinks/bigquery_merge.h"

#include <gtest/gtest.h>

#include "sinks/bigquery_rows.h"

namespace leat {
namespace {

SinkPlan plan_of(WriteMode mode, std::vector<std::string> key, std::string newest = "") {
  SinkPlan plan;
  plan.pipeline = "p";
  plan.table = "hosts";
  plan.schema = std::make_shared<const Schema>(Schema{{{"host id", Type::integer},
                                                       {"at", Type::time},
                                                       {"load", Type::real},
                                                       {"more", Type::json},
                                                       {"name", Type::text}}});
  plan.mode = mode;
  plan.key = std::move(key);
  plan.newest = std::move(newest);
  return plan;
}

BigQueryKey key_of(const SinkPlan& plan, const std::string& partition_by = "") {
  auto key = find_bigquery_key(plan, partition_by);
  EXPECT_TRUE(key.ok()) << key.status().message();
  return key.ok() ? *std::move(key) : BigQueryKey();
}

constexpr const char* kFields = R"("fields":[{"name":"id","type":"INT64"},{"name":"at","type":"TIMESTAMP"}])";

TEST(BigQueryMerge, TheNewestOfEachKeyTakesOver) {
  BigQueryKey key = key_of(plan_of(WriteMode::merge, {"host id"}, "at"));
  EXPECT_EQ(key.columns, std::vector<std::string>{"host_id"});
  key.columns = {"id"};
  EXPECT_EQ(merge_statement("p.d.t", "p.d.s", kFields, key, std::nullopt),
            "MERGE `p.d.t` AS t USING (SELECT * FROM `p.d.s` WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY `id` "
            "ORDER BY "
            "`at` DESC, _line DESC) = 1) AS s ON t.`id` = s.`id` WHEN MATCHED AND (s.`at` >= t.`at` OR t.`at` IS NULL) "
            "THEN UPDATE SET `id` = s.`id`, `at` = s.`at` WHEN NOT MATCHED THEN INSERT (`id`, `at`) VALUES (s.`id`, "
            "s.`at`)");
}

TEST(BigQueryMerge, TheFirstOfEachKeyStays) {
  const BigQueryKey key = key_of(plan_of(WriteMode::ignore, {"name", "at"}));
  EXPECT_EQ(
      merge_statement("p.d.t", "p.d.s", kFields, key, std::nullopt),
      "MERGE `p.d.t` AS t USING (SELECT * FROM `p.d.s` WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY `name`, `at` "
      "ORDER BY _line ASC) = 1) AS s ON t.`name` = s.`name` AND t.`at` = s.`at` WHEN NOT MATCHED THEN INSERT "
      "(`id`, `at`) VALUES (s.`id`, s.`at`)");
}

TEST(BigQueryMerge, IsNarrowedWhereThePartitionBelongsToTheKey) {
  EXPECT_EQ(key_of(plan_of(WriteMode::merge, {"name"}), "at").partition, "");
  const BigQueryKey key = key_of(plan_of(WriteMode::merge, {"name", "at"}), "at");
  EXPECT_EQ(key.partition, "at");
  EXPECT_EQ(bounds_query("p.d.s", key),
            "SELECT UNIX_MICROS(MIN(`at`)) AS first, UNIX_MICROS(MAX(`at`)) AS last FROM `p.d.s`");
  const std::string sql = merge_statement("p.d.t", "p.d.s", kFields, key, BigQueryBounds{0, 1'000'001});
  EXPECT_NE(sql.find("AND t.`at` BETWEEN TIMESTAMP '1970-01-01 00:00:00+00:00' AND TIMESTAMP '1970-01-01 "
                     "00:00:01.000001+00:00' WHEN MATCHED THEN"),
            std::string::npos)
      << sql;
}

TEST(BigQueryMerge, NotANumberIsOlderThanAny) {
  const BigQueryKey key = key_of(plan_of(WriteMode::merge, {"name"}, "load"));
  const std::string sql = merge_statement("p.d.t", "p.d.s", kFields, key, std::nullopt);
  EXPECT_NE(sql.find("ORDER BY CASE WHEN IS_NAN(`load`) THEN NULL ELSE `load` END DESC, _line DESC"),
            std::string::npos);
  EXPECT_NE(sql.find("CASE WHEN IS_NAN(t.`load`) THEN NULL ELSE t.`load` END IS NULL)"), std::string::npos);
}

TEST(BigQueryMerge, RefusesWhatCannotBeCompared) {
  for (const char* column : {"more", "load"}) {
    const auto key = find_bigquery_key(plan_of(WriteMode::merge, {column}), "");
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.status().kind(), Kind::bad_config);
    EXPECT_NE(key.status().message().find("cannot belong to the key"), std::string::npos) << key.status().message();
  }
  EXPECT_TRUE(key_of(plan_of(WriteMode::append, {})).columns.empty());
}

TEST(BigQueryMerge, StagedRowsAreNumbered) {
  EXPECT_EQ(
      staged_fields(kFields),
      R"("fields":[{"name":"id","type":"INT64"},{"name":"at","type":"TIMESTAMP"},{"name":"_line","type":"INT64"}])");
}

}  // namespace
}  // namespace leat
