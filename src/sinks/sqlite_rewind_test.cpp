// What is taken back is gone from everywhere; rejects that are rows after all are counted everywhere.

#include <gtest/gtest.h>

#include "os/clock.h"
#include "sinks/sqlite.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

using Rows = std::vector<std::string>;

class SqliteRewind : public testing::Test {
 protected:
  Status feed(uint64_t records, const std::string& tail = "") {
    const auto sink = make_sqlite_sink({.path = path_, .vfs = ""}, os::clock(), nullptr);
    return run_feed(*sink, plan_, {"a", "b"}, records, 5, tail);
  }
  Result<Undone> rewind(const RewindRequest& request) {
    const auto store = open_sqlite_store(path_);
    EXPECT_TRUE(store.ok()) << store.status().message();
    return (*store)->rewind(request);
  }
  static RewindRequest request(const std::string& part, bool only_look = false) {
    return {"logs", part, false, only_look, {}};
  }
  void expect_proven(uint64_t rows, uint64_t rejects) {
    const auto report = (*open_sqlite_store(path_))->verify(nullptr);
    ASSERT_TRUE(report.ok()) << report.status().message();
    EXPECT_EQ(report->problems, Rows());
    EXPECT_EQ(report->rows, rows);
    EXPECT_EQ(report->rejects, rejects);
  }
  [[nodiscard]] std::string value(const std::string& sql) const { return sql_value(path_, sql); }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("web.db");
  SinkPlan plan_ = feed_plan();
};

TEST_F(SqliteRewind, OnePart) {
  ASSERT_TRUE(feed(21, "half").ok());
  expect_proven(38, 6);
  const auto looked = rewind(request("a", true));
  ASSERT_TRUE(looked.ok()) << looked.status().message();
  EXPECT_EQ(looked->rows, 19U);
  expect_proven(38, 6);
  const auto undone = rewind({"logs", "a", false, false, {{"a", "/logs/a", 0, "again"}}});
  ASSERT_TRUE(undone.ok()) << undone.status().message();
  EXPECT_EQ(undone->parts, 1U);
  EXPECT_EQ(undone->rows, 19U);
  EXPECT_EQ(undone->rejects, 3U);
  expect_proven(19, 3);
  EXPECT_EQ(value("SELECT sum(hits) FROM per_day"), "19");
  EXPECT_EQ(sql_rows(path_, "SELECT name, \"offset\", token FROM _leat_parts JOIN _leat_positions USING(part)"),
            (Rows{"a|0|again", "b|210|token 21"}));
  ASSERT_TRUE(feed(30).ok());
  expect_proven(52, 8);
  EXPECT_EQ(value("SELECT count(DISTINCT _row) = count(*) FROM access_log"), "1");
}

TEST_F(SqliteRewind, APartThatItsSourceFindsAnewIsForgotten) {
  ASSERT_TRUE(feed(10).ok());
  ASSERT_TRUE(rewind(request("b")).ok());
  EXPECT_EQ(value("SELECT group_concat(name) FROM _leat_parts"), "a");
  expect_proven(9, 1);
  ASSERT_TRUE(feed(10).ok());
  expect_proven(18, 2);
}

TEST_F(SqliteRewind, Everything) {
  for (const WriteMode mode : {WriteMode::append, WriteMode::ignore, WriteMode::merge, WriteMode::replace}) {
    path_ = folder_.file(std::string(name_of(mode)));
    plan_.mode = mode;
    plan_.key.clear();
    if (mode == WriteMode::ignore || mode == WriteMode::merge) plan_.key = {"time"};
    ASSERT_TRUE(feed(21, "half").ok());
    const std::string largest = value("SELECT max(_row) FROM access_log");
    const auto undone = rewind({"logs", "", true, false, {}});
    ASSERT_TRUE(undone.ok()) << undone.status().message();
    EXPECT_EQ(undone->rejects, 6U);
    expect_proven(0, 0);
    EXPECT_EQ(value("SELECT count(*) FROM per_day"), "0");
    ASSERT_TRUE(feed(21).ok());
    expect_proven(plan_.key.empty() ? 36 : 18, 6);
    EXPECT_EQ(value("SELECT min(_row) > " + largest + " FROM access_log"), "1");
  }
}

TEST_F(SqliteRewind, WhatCannotBeTakenBackIsRefused) {
  ASSERT_TRUE(feed(3).ok());
  EXPECT_EQ(rewind(request("elsewhere")).status().message(),
            path_ + ": pipeline 'logs' has no part 'elsewhere'; see: leat state show");
  EXPECT_EQ(rewind({"log", "a", false, false, {}}).status().message(),
            path_ + ": pipeline 'log' has not run here; there is nothing to take back");
  path_ = folder_.file("merged.db");
  plan_.mode = WriteMode::merge;
  plan_.key = {"time"};
  ASSERT_TRUE(feed(3).ok());
  const auto refused = rewind(request("a"));
  EXPECT_EQ(refused.status().kind(), Kind::bad_config);
  EXPECT_EQ(refused.status().message(),
            path_ +
                ": table 'access_log' is written with write = 'merge': what a row was before a later record took it "
                "over is not kept, so one part cannot be taken back; --all takes everything back");
  expect_proven(3, 0);
}

TEST_F(SqliteRewind, ARejectThatFitsNowIsARow) {
  for (const WriteMode mode : {WriteMode::append, WriteMode::ignore, WriteMode::merge}) {
    path_ = folder_.file(std::string(name_of(mode)));
    plan_.mode = mode;
    plan_.key.clear();
    if (mode != WriteMode::append) plan_.key = {"time"};
    ASSERT_TRUE(feed(21).ok());
    const uint64_t rows = mode == WriteMode::append ? 36 : 18;
    const auto sink = make_sqlite_sink({.path = path_, .vfs = ""}, os::clock(), nullptr);
    ASSERT_TRUE(sink->open(plan_).ok());
    // Of part a, at 60, 130 and 200: one has a key of its own, one has that of another row, one has none.
    RecordBatch batch(plan_.schema);
    batch.part = "a";
    batch.origin = "/logs/a";
    const size_t row = batch.add_row({.offset = 60, .line = 7, .raw = 0});
    batch.set_integer(0, row, 5'000'000);
    auto taken = sink->retry(1, batch);
    ASSERT_TRUE(taken.ok()) << taken.status().message();
    EXPECT_TRUE(*taken);
    EXPECT_FALSE(*sink->retry(1, batch)) << "it is not there any more";
    const FeedBatch other = feed_batch("a", 0, 1);
    RecordBatch same(plan_.schema);
    same.part = "a";
    const size_t again = same.add_row({.offset = 130, .line = 14, .raw = 0});
    same.set_integer(0, again, other.batch.integer(0, 0));
    EXPECT_TRUE(*sink->retry(2, same));
    RecordBatch none(plan_.schema);
    none.part = "a";
    none.add_row({.offset = 200, .line = 21, .raw = 0});
    EXPECT_EQ(*sink->retry(3, none), mode == WriteMode::append) << "it has no key";
    RecordBatch filtered(plan_.schema);
    filtered.part = "b";
    EXPECT_TRUE(*sink->retry(4, filtered));
    expect_proven(rows, 6);
    ASSERT_TRUE(sink->commit({}, {}).ok());
    expect_proven(rows + (mode == WriteMode::append ? 3 : 1), mode == WriteMode::append ? 2 : 3);
    EXPECT_EQ(value("SELECT sum(inserted + updated + ignored + filtered + rejected) FROM _leat_ranges"), "42");
    EXPECT_EQ(value("SELECT filtered FROM _leat_ranges WHERE part = 2"), "1");
  }
}

}  // namespace
}  // namespace leat
