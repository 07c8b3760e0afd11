#include "sinks/duckdb_parquet_file.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/hash.h"
#include "db/duckdb.h"
#include "db/sql.h"
#include "sinks/files.h"
#include "tests/support/sink_feed.h"
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

std::unique_ptr<FileMaker> maker(const leat::testing::TempDir& dir, std::string compression = "") {
  return kParquetFiles.make(
      {.compression = std::move(compression), .memory_bytes = 64 * 1024 * 1024, .spill = dir.path("spill")});
}

TEST(DuckDbParquetFileTest, HasTheRowsInTheirOrder) {
  const leat::testing::TempDir dir;
  const std::string path = dir.path("it's.parquet");
  const SchemaPtr schema = all_types();
  const auto files = maker(dir);
  auto file = files->open(path, schema, 0);
  ASSERT_TRUE(file.ok()) << file.status().message();
  for (int64_t start = 0; start < 150'000; start += 1000) {
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
    ASSERT_TRUE((*file)->add(batch, 0, 1).ok());
    ASSERT_TRUE((*file)->add(batch, 1, batch.rows() - 1).ok());
  }
  EXPECT_GE((*file)->bytes(), 150'000U * 7 * 8) << "before it is written: its cells";
  const Status sealed = (*file)->seal();
  ASSERT_TRUE(sealed.ok()) << sealed.message();
  EXPECT_EQ(static_cast<int64_t>((*file)->bytes()), ask("SELECT size FROM read_blob(" + sql_text(path) + ")"));

  const std::string from = " FROM " + sql_text(path);
  EXPECT_EQ(ask("SELECT count(*)" + from), 150'000);
  EXPECT_EQ(ask("SELECT count(*)" + from +
                " WHERE flag = (n % 2 = 1) AND text = 'a text that is longer than a cell: ' || n AND raw = "
                "'\\xFF\\x00'::BLOB AND epoch_us(moment) = n AND j = '{\"a\": 1}' AND x IS NOT DISTINCT FROM "
                "CASE WHEN n % 5 = 0 THEN NULL ELSE n / 2 END"),
            100'000);
  EXPECT_EQ(ask("SELECT count(*)" + from + " WHERE COLUMNS(*) IS NULL"), 50'000);
  EXPECT_EQ(ask("SELECT count(*) FROM (SELECT n, lag(n) OVER () AS before" + from + ") WHERE n < before"), 0);
  EXPECT_EQ(ask("SELECT count(DISTINCT row_group_id) FROM parquet_metadata(" + sql_text(path) + ")"), 2);
  EXPECT_EQ(ask("SELECT count(*) FROM parquet_metadata(" + sql_text(path) + ") WHERE compression <> 'ZSTD'"), 0);
}

TEST(DuckDbParquetFileTest, FilesAreWrittenSideBySide) {
  const leat::testing::TempDir dir;
  const SchemaPtr schema = all_types();
  const auto files = maker(dir, "none");
  std::vector<std::unique_ptr<DataFile>> open;
  for (int i = 0; i < 5; ++i) {
    auto file = files->open(dir.path(std::to_string(i) + ".parquet"), schema, 0);
    ASSERT_TRUE(file.ok()) << file.status().message();
    open.push_back(std::move(*file));
  }
  for (int64_t n = 0; n < 100; ++n) {
    RecordBatch batch(schema);
    batch.set_integer(1, batch.add_row({}), n);
    ASSERT_TRUE(open[static_cast<size_t>(n) % 5]->add(batch, 0, 1).ok());
  }
  open[4].reset();  // given up: nothing of it is left
  for (size_t i = 0; i < 4; ++i) ASSERT_TRUE(open[i]->seal().ok());
  const std::string all = sql_text(dir.path("*.parquet"));
  EXPECT_EQ(ask("SELECT count(DISTINCT n) FROM read_parquet(" + all + ")"), 80);
  EXPECT_EQ(ask("SELECT count(*) FROM read_parquet(" + all +
                ", filename = true) WHERE n % 5 <> "
                "regexp_extract(filename, '([0-9])[.]parquet', 1)::int"),
            0);
  EXPECT_EQ(ask("SELECT count(*) FROM parquet_metadata(" + all + ") WHERE compression <> 'UNCOMPRESSED'"), 0);
}

TEST(DuckDbParquetFileTest, AFolderThatIsMissingIsSaid) {
  const leat::testing::TempDir dir;
  const auto files = maker(dir);
  const auto file = files->open(dir.path("no/a.parquet"), all_types(), 0);
  ASSERT_TRUE(file.ok()) << file.status().message();
  const Status sealed = (*file)->seal();
  ASSERT_FALSE(sealed.ok());
  EXPECT_TRUE(sealed.message().starts_with(dir.path("no/a.parquet") + ": ")) << sealed.message();
}

// Each commit makes files that are whole; what was not committed is not there.
TEST(DuckDbParquetFileTest, OfASinkEachRowIsInOneFileOnce) {
  const TemporaryFolder folder;
  FilesOptions options;
  options.path = folder.file("lake/status={status}");
  options.format = &kParquetFiles;
  options.max_rows = 100;
  SinkPlan plan = feed_plan();
  plan.aggregates.clear();
  const std::string all = sql_text(folder.file("lake/**/*"));
  for (uint64_t record = 0; record < 600; record += 200) {
    const auto sink = make_files_sink(options, os::clock(), nullptr);
    ASSERT_TRUE(sink->open(plan).ok());
    FeedLine line(*sink);
    ASSERT_TRUE(line.write(feed_batch("a", record, 200)).ok());
    ASSERT_TRUE(line.commit().ok());
    EXPECT_EQ(
        ask("SELECT count(*) FROM glob(" + all + ") WHERE file NOT LIKE '%.parquet' AND file NOT LIKE '%/_leat/%'"), 0);
    ASSERT_TRUE(line.write(feed_batch("a", record + 200, 9)).ok());
    sink->rollback();  // as a kill would have it: nothing more is written
  }
  ASSERT_TRUE(run_feed(*make_files_sink(options, os::clock(), nullptr), plan, {"a"}, 600, 5).ok());
  auto store = open_files_store(options.path);
  ASSERT_TRUE(store.ok()) << store.status().message();
  const auto report = (*store)->verify(nullptr);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->problems, std::vector<std::string>());
  const std::string parquet = "read_parquet(" + sql_text(folder.file("lake/**/*.parquet")) + ", filename = true)";
  EXPECT_EQ(ask("SELECT count(*) FROM " + parquet), static_cast<int64_t>(report->rows));
  EXPECT_GT(report->rows, 0U);
  EXPECT_LE(ask("SELECT max(n) FROM (SELECT count(*) AS n FROM " + parquet + " GROUP BY filename)"), 100);
}

}  // namespace
}  // namespace leat
