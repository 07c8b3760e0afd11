#include "sinks/null.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/time.h"
#include "flow/results.h"
#include "sinks/sqlite.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

using Rows = std::vector<std::string>;

std::string shown(const ResultCell& cell, const ResultColumn& column) {
  if (std::holds_alternative<std::monostate>(cell)) return "NULL";
  if (const auto* number = std::get_if<int64_t>(&cell)) {
    return column.type == Type::time ? format_time(*number) : std::to_string(*number);
  }
  if (const auto* real = std::get_if<double>(&cell)) return fmt::format("{:.3f}", *real);
  return std::string(std::get<std::string_view>(cell));
}

// As sql_rows() gives them, sorted.
Rows rows_of(const Results& results, const std::string& table) {
  Rows rows;
  for (size_t t = 0; t < results.tables(); ++t) {
    if (results.name(t) != table) continue;
    for (size_t row = 0; row < results.rows(t); ++row) {
      std::string text;
      for (size_t c = 0; c < results.columns(t).size(); ++c) {
        text += (c == 0 ? "" : "|") + shown(results.cell(t, row, c), results.columns(t)[c]);
      }
      rows.push_back(text);
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

class NullSinkTest : public testing::Test {
 protected:
  std::unique_ptr<Sink> make(uint64_t max_memory_bytes = 1 << 20) {
    return make_null_sink({max_memory_bytes}, [this](NoteLevel, const std::string& text) { notes_ += text + "\n"; });
  }
  // What SQLite's tables are after the same.
  Rows expected(const std::string& table, uint64_t records, const std::string& tail = "") {
    const TemporaryFolder folder;
    const std::string path = folder.file("web.db");
    const auto sink = make_sqlite_sink({.path = path, .vfs = ""}, os::clock(), nullptr);
    EXPECT_TRUE(run_feed(*sink, plan_, {"a", "b"}, records, 5, tail).ok());
    const std::string three = "iif({0} IS NULL, NULL, printf('%.3f', {0}))";
    Rows rows = sql_rows(
        path, table == "per_day"
                  ? fmt::format(fmt::runtime("SELECT day, hits, visitors, total, " + three + ", last FROM per_day"),
                                "fastest")
                  : fmt::format(fmt::runtime("SELECT status, addr, hits, " + three + " FROM per_status"), "seconds"));
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  void expect_all(Sink& sink, uint64_t records, const std::string& tail = "") {
    const Results* results = sink.results();
    ASSERT_NE(results, nullptr);
    ASSERT_EQ(results->tables(), 2U);
    for (const std::string table : {"per_day", "per_status"}) {
      EXPECT_EQ(rows_of(*results, table), expected(table, records, tail)) << table;
    }
  }

  SinkPlan plan_ = feed_plan();
  std::string notes_;
};

TEST_F(NullSinkTest, CountsWhatADatabaseWouldHold) {
  const auto sink = make();
  EXPECT_EQ(sink->results(), nullptr) << "nothing is known before it is opened";
  ASSERT_TRUE(run_feed(*sink, plan_, {"a", "b"}, 300, 5).ok());
  sink->rollback();
  expect_all(*sink, 300);
  EXPECT_EQ(notes_, "");
  const Results* results = sink->results();
  ASSERT_EQ(results->columns(0).size(), 6U);
  EXPECT_TRUE(results->columns(0)[0].key);
  EXPECT_EQ(results->columns(0)[5].type, Type::time);
}

TEST_F(NullSinkTest, GoesOnWhereItStoodWithinAProcess) {
  const auto sink = make();
  for (const uint64_t records : {7U, 60U, 61U, 200U}) {
    ASSERT_TRUE(run_feed(*sink, plan_, {"a", "b"}, records, 5).ok());
    sink->rollback();
  }
  const auto positions = sink->open(plan_);
  ASSERT_TRUE(positions.ok());
  ASSERT_EQ(positions->size(), 2U);
  EXPECT_EQ((*positions)[1], (Position{"b", "/logs/b", 2000, "token 200"}));
  expect_all(*sink, 200);
}

TEST_F(NullSinkTest, BeginsAgainWhenSomethingWasNotCommitted) {
  const auto sink = make();
  ASSERT_TRUE(run_feed(*sink, plan_, {"a", "b"}, 50, 5).ok());
  const auto positions = sink->open(plan_);
  ASSERT_EQ(positions->size(), 2U);
  FeedLine line(*sink);
  ASSERT_TRUE(line.write(feed_batch("a", 50, 10)).ok());
  sink->rollback();
  EXPECT_EQ(sink->results(), nullptr) << "half a run is not shown";
  EXPECT_EQ(notes_, "");
  EXPECT_TRUE(sink->open(plan_)->empty());
  EXPECT_EQ(notes_, "what was counted so far is lost (type = \"null\" keeps nothing); everything is read again\n");
  ASSERT_TRUE(run_feed(*sink, plan_, {"a", "b"}, 70, 5).ok());
  expect_all(*sink, 70);
}

TEST_F(NullSinkTest, AProvisionalRecordCountsOnce) {
  for (const uint64_t then : {40U, 41U, 55U}) {  // nothing more came; the record itself; it and more
    const auto sink = make();
    ASSERT_TRUE(run_feed(*sink, plan_, {"a", "b"}, 40, 5, "half a").ok());
    ASSERT_TRUE(run_feed(*sink, plan_, {"a", "b"}, then, 5, then == 40 ? "half a" : "").ok());
    sink->rollback();
    expect_all(*sink, then, then == 40 ? "half a" : "");
  }
}

TEST_F(NullSinkTest, AColumnMoreIsNoReasonToBeginAgain) {
  const auto sink = make();
  ASSERT_TRUE(run_feed(*sink, plan_, {"a", "b"}, 40, 5).ok());
  Schema larger = *feed_schema();
  larger.fields.push_back({"host", Type::text});
  SinkPlan plan = plan_;
  plan.schema = std::make_shared<const Schema>(larger);
  EXPECT_EQ(sink->open(plan)->size(), 2U);
  larger.fields.erase(larger.fields.begin());
  plan.aggregates.erase(plan.aggregates.begin());
  plan.schema = std::make_shared<const Schema>(larger);
  EXPECT_TRUE(sink->open(plan)->empty()) << "the columns have moved";
}

TEST_F(NullSinkTest, StopsAtItsLimit) {
  const auto sink = make(4000);
  const Status stopped = run_feed(*sink, plan_, {"a", "b"}, 100'000, 500);
  EXPECT_EQ(stopped.kind(), Kind::fatal);
  EXPECT_EQ(stopped.message().find("the aggregates take "), 0U) << stopped.message();
  EXPECT_NE(stopped.message().find(", more than the 3.9 KiB that max_memory allows; the largest is 'per_day': "),
            std::string::npos)
      << stopped.message();
  EXPECT_NE(stopped.message().find(" buckets. Raise max_memory of the sink, leave that aggregate out, or name a sink "
                                   "that is a database"),
            std::string::npos)
      << stopped.message();
  sink->rollback();
  EXPECT_EQ(sink->results(), nullptr);
}

TEST_F(NullSinkTest, ADeclarationThatDoesNotFit) {
  const auto sink = make();
  plan_.aggregates[0].by = {{"day", "day(status)"}};
  const auto refused = sink->open(plan_);
  EXPECT_EQ(refused.status().kind(), Kind::bad_config);
  plan_ = feed_plan();
  EXPECT_TRUE(sink->open(plan_).ok());
  EXPECT_EQ(sink->results()->tables(), 2U);
}

TEST_F(NullSinkTest, WhatWasCountedCannotBeTakenBack) {
  for (const bool counts : {true, false}) {
    if (!counts) plan_.aggregates.clear();
    const auto sink = make();
    ASSERT_TRUE(sink->open(plan_).ok());
    FeedLine line(*sink);
    ASSERT_TRUE(line.write(feed_page("a", 0, 5)).ok());
    ASSERT_TRUE(line.write(feed_page("a", 5, 5, 5)).ok());
    const Status outcome = line.commit();
    EXPECT_EQ(outcome.kind(), counts ? Kind::fatal : Kind::ok);
    EXPECT_EQ(outcome.message(),
              counts
                  ? "part 'a': records that were counted already have changed and come again, and a sink of type null "
                    "cannot take them back; run again, or name a sink that is a database"
                  : "");
  }
}

}  // namespace
}  // namespace leat
