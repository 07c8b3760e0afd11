// write = "replace": readers see the last complete pull, whatever becomes of the next one.

#include <gtest/gtest.h>

#include "os/clock.h"
#include "sinks/sqlite.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

using Rows = std::vector<std::string>;

class SqliteReplace : public testing::Test {
 protected:
  void SetUp() override { plan_.mode = WriteMode::replace; }
  std::unique_ptr<Sink> make() {
    return make_sqlite_sink({.path = path_, .vfs = ""}, os::clock(),
                            [this](NoteLevel, const std::string& text) { notes_ += text + "\n"; });
  }
  Status pull(uint64_t records, const std::string& tail = "") {
    const auto sink = make();
    return run_feed(*sink, plan_, {"a", "b"}, records, 5, tail);
  }
  [[nodiscard]] std::string value(const std::string& sql) const { return sql_value(path_, sql); }
  void expect_proven(uint64_t rows, uint64_t rejects) {
    const auto report = (*open_sqlite_store(path_))->verify(nullptr);
    ASSERT_TRUE(report.ok()) << report.status().message();
    EXPECT_EQ(report->problems, Rows());
    EXPECT_EQ(report->rows, rows);
    EXPECT_EQ(report->rejects, rejects);
    EXPECT_EQ(report->records, rows + rejects);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("web.db");
  SinkPlan plan_ = feed_plan();
  std::string notes_;
};

TEST_F(SqliteReplace, EachPullBeginsAtTheBeginningAndTakesThePlaceOfTheLast) {
  ASSERT_TRUE(pull(30).ok());
  expect_proven(52, 8);
  const std::string largest = value("SELECT max(_row) FROM access_log");
  ASSERT_TRUE(pull(12, "half a li").ok());
  expect_proven(24, 2);
  EXPECT_EQ(value("SELECT sum(hits) FROM per_day"), "24");
  EXPECT_EQ(value("SELECT count(*) FROM _leat_rejects"), "2");
  EXPECT_EQ(value("SELECT group_concat(name) FROM _leat_parts"), "a,b");
  EXPECT_EQ(value("SELECT min(_row) > " + largest + " FROM access_log"), "1") << "no number is used twice";
  EXPECT_EQ(value("SELECT count(*) FROM sqlite_schema WHERE name LIKE '\\_leat\\_next\\_%' ESCAPE '\\'"), "0");
  ASSERT_TRUE(pull(0).ok());
  expect_proven(0, 0);
}

TEST_F(SqliteReplace, AnotherRunOfTheSameObjectBeginsAnew) {
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedLine line(*sink);
  ASSERT_TRUE(line.write(feed_batch("a", 0, 10)).ok());
  ASSERT_TRUE(line.commit().ok());
  sink->rollback();  // that run has failed for good
  plan_.new_run = true;
  const auto positions = sink->open(plan_);
  ASSERT_TRUE(positions.ok());
  EXPECT_TRUE(positions->empty());
  EXPECT_EQ(value("SELECT count(*) FROM _leat_next_access_log"), "0");
}

TEST_F(SqliteReplace, ReadersSeeTheOldRowsUntilItIsComplete) {
  ASSERT_TRUE(pull(30).ok());
  const auto sink = make();
  auto positions = sink->open(plan_);
  ASSERT_TRUE(positions.ok());
  EXPECT_TRUE(positions->empty()) << "from the beginning";
  FeedLine line(*sink);
  ASSERT_TRUE(line.write(feed_batch("a", 0, 10)).ok());
  ASSERT_TRUE(line.commit().ok());
  expect_proven(52, 8);
  EXPECT_EQ(value("SELECT sum(hits) FROM per_day"), "52");
  sink->rollback();
  positions = sink->open(plan_);
  ASSERT_EQ(positions->size(), 1U) << "after a failure it goes on";
  EXPECT_EQ((*positions)[0].offset, 100U);
  ASSERT_TRUE(line.write(feed_batch("a", 10, 4)).ok());
  ASSERT_TRUE(line.commit().ok());
  ASSERT_TRUE(sink->finish().ok());
  expect_proven(12, 2);
  EXPECT_EQ(value("SELECT sum(hits) FROM per_day"), "12");
}

TEST_F(SqliteReplace, AnInterruptedPullBeginsAnew) {
  ASSERT_TRUE(pull(30).ok());
  {
    const auto sink = make();
    ASSERT_TRUE(sink->open(plan_).ok());
    FeedLine line(*sink);
    ASSERT_TRUE(line.write(feed_batch("old", 0, 10)).ok());
    ASSERT_TRUE(line.commit().ok());
  }
  expect_proven(52, 8);
  const auto sink = make();
  const auto positions = sink->open(plan_);
  ASSERT_TRUE(positions.ok());
  EXPECT_TRUE(positions->empty());
  ASSERT_TRUE(sink->finish().ok());
  expect_proven(0, 0);
}

TEST_F(SqliteReplace, WhatAUserHasPutOnTheTableStays) {
  ASSERT_TRUE(pull(30).ok());
  ASSERT_EQ(sql_change(path_,
                       "CREATE INDEX mine ON access_log(status); CREATE INDEX gone ON access_log(seconds);"
                       "CREATE VIEW seen AS SELECT status FROM access_log;"
                       "CREATE TABLE told(n); CREATE TRIGGER tell AFTER INSERT ON access_log BEGIN SELECT 1; END;"
                       "CREATE INDEX of_hits ON per_day(hits)"),
            "");
  ASSERT_TRUE(pull(12).ok());
  EXPECT_EQ(value("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE name IN ('mine', 'tell', "
                  "'of_hits', 'gone') ORDER BY name)"),
            "gone,mine,of_hits,tell");
  EXPECT_EQ(value("SELECT count(*) FROM seen"), "22");
  expect_proven(22, 2);
  EXPECT_EQ(notes_, "");
}

TEST_F(SqliteReplace, ColumnsMayChange) {
  ASSERT_TRUE(pull(30).ok());
  ASSERT_EQ(sql_change(path_, "CREATE INDEX of_addr ON access_log(addr)"), "");
  plan_.schema = std::make_shared<const Schema>(Schema{{{"time", Type::time}, {"status", Type::text}}});
  plan_.aggregates = {{"per_day", "logs", "UTC", {{"day", "day(time)"}}, {{"hits", "count()"}}},
                      {"texts", "logs", "UTC", {{"status", "status"}}, {{"hits", "count()"}}}};
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  RecordBatch batch(plan_.schema);
  batch.part = batch.origin = "c";
  const size_t row = batch.add_row({.offset = 0, .line = 1, .raw = 0});
  batch.set_integer(0, row, 0);
  batch.set_new_text(1, row, "fine");
  const auto written = sink->write(batch, 0, 1, {});
  ASSERT_TRUE(written.ok()) << written.status().message();
  ASSERT_TRUE(sink->commit({{"c", "c", 5, ""}},
                           {{.part = "c", .start = 0, .end = 5, .counts = {.inserted = 1, .digest = written->digest}}})
                  .ok());
  const Status finished = sink->finish();
  ASSERT_TRUE(finished.ok()) << finished.message();
  expect_proven(1, 0);
  EXPECT_EQ(sql_rows(path_, "SELECT * FROM texts"), Rows{"fine|1"});
  EXPECT_EQ(sql_rows(path_, "SELECT * FROM per_day"), Rows{"1970-01-01|1"});
  EXPECT_EQ(sql_rows(path_, "SELECT name FROM sqlite_schema WHERE name = 'per_status'"), Rows());
  EXPECT_NE(notes_.find("the new content of table 'access_log' does not take 'CREATE INDEX of_addr ON "
                        "access_log(addr)', which was put on it"),
            std::string::npos)
      << notes_;
}

TEST_F(SqliteReplace, AnAggregateThatDoesNotFitIsSaidAtTheStart) {
  ASSERT_TRUE(pull(3).ok());
  plan_.aggregates[0].by = {{"day", "day(adr)"}};
  const auto sink = make();
  EXPECT_EQ(sink->open(plan_).status().kind(), Kind::bad_config);
}

}  // namespace
}  // namespace leat
