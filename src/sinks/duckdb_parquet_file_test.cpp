#include "sinks/duckdb_parquet_file.h"

#include <gtest/gtest.h>

#include <cmath>

#include "db/sql.h"
#include "tests/support/temp_dir.h"

namespace leat {
namespace {

SchemaPtr all_types() {
  return std::make_shared<const Schema>(Schema{{{"flag", Type::boolean},
                                                {"n", Type::integer},
                                                {"x", Type::real},
                                                {"text", Type::text},
                                                {"raw", Type::text, true},
                                                {"moment", Type::time},
                                                {"j", Type::json}}});
}

int64_t ask(const std::string& sql) {
  const auto db = DuckDb::open({});
  EXPECT_TRUE(db.ok()) << db.status().message();
  const auto value = (*db)->query_integer(sql, -1);
  EXPECT_TRUE(value.ok()) << value.status().message();
  return value.ok() ? *value : -1;
}

TEST(DuckDbParquetFileTest, HasTheRowsInTheirOrder) {
  const leat::testing::TempDir dir;
  const std::string path = dir.path("it's.parquet");
  const SchemaPtr schema = all_types();
  auto file = DuckDbParquetFile::make(path, schema, {.row_group_rows = 2048});
  ASSERT_TRUE(file.ok()) << file.status().message();
  for (int64_t start = 0; start < 10'000; start += 1000) {
    RecordBatch batch(schema);
    for (int64_t i = start; i < start + 1000; ++i) {
      const size_t row = batch.add_row({});
      if (i % 3 == 0) continue;  // all of it NULL
      batch.set(0, row, static_cast<uint64_t>(i & 1));
      batch.set_integer(1, row, i);
      batch.set_real(2, row, i % 5 == 0 ? std::nan("") : static_cast<double>(i) / 2);
      batch.set_new_text(3, row, "a text that is longer than a cell: " + std::to_string(i));
      batch.set_new_text(4, row, std::string_view("\xFF\0", 2));
      batch.set_integer(5, row, i);
      batch.set_new_text(6, row, R"({"a": 1})");
    }
    ASSERT_TRUE((*file)->add(batch, 0, batch.rows()).ok());
  }
  EXPECT_EQ((*file)->rows(), 10'000U);
  const auto bytes = (*file)->finish();
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  EXPECT_GT(*bytes, 1000U);

  const std::string from = " FROM " + sql_text(path);
  EXPECT_EQ(ask("SELECT count(*)" + from), 10'000);
  EXPECT_EQ(ask("SELECT count(*)" + from +
                " WHERE flag = (n % 2 = 1) AND text = 'a text that is longer than a cell: ' || n AND raw = "
                "'\\xFF\\x00'::BLOB AND epoch_us(moment) = n AND j = '{\"a\": 1}' AND x IS NOT DISTINCT FROM "
                "CASE WHEN n % 5 = 0 THEN NULL ELSE n / 2 END"),
            6666);
  EXPECT_EQ(ask("SELECT count(*)" + from + " WHERE COLUMNS(*) IS NULL"), 3334);
  EXPECT_EQ(ask("SELECT count(*) FROM (SELECT n, lag(n) OVER () AS before" + from + ") WHERE n < before"), 0);
  EXPECT_EQ(ask("SELECT count(DISTINCT row_group_id) FROM parquet_metadata(" + sql_text(path) + ")"), 5);
  EXPECT_EQ(ask("SELECT count(*) FROM parquet_metadata(" + sql_text(path) + ") WHERE compression <> 'ZSTD'"), 0);
}

TEST(DuckDbParquetFileTest, AFolderThatIsMissingIsSaid) {
  const leat::testing::TempDir dir;
  auto file = DuckDbParquetFile::make(dir.path("no/a.parquet"), all_types());
  ASSERT_TRUE(file.ok()) << file.status().message();
  const auto bytes = (*file)->finish();
  ASSERT_FALSE(bytes.ok());
  EXPECT_NE(bytes.status().message().find("no/a.parquet"), std::string::npos) << bytes.status().message();
}

}  // namespace
}  // namespace leat
