// After a full pull the table has what the pull has brought, and the books prove it.

#include <gtest/gtest.h>

#include "os/clock.h"
#include "sinks/sqlite.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

using Rows = std::vector<std::string>;

class SqliteFullPull : public testing::Test {
 protected:
  void SetUp() override {
    plan_.mode = WriteMode::merge;
    plan_.key = {"time"};
    plan_.reconcile = true;
    open();
    write(feed_batch("a", 0, 6));
    commit();
  }
  // As after a kill.
  void open() {
    line_.reset();
    const Note note = [this](NoteLevel, const std::string& text) { said_ = text; };
    sink_ = make_sqlite_sink({.path = path_, .vfs = ""}, os::clock(), note);
    const auto positions = sink_->open(plan_);
    EXPECT_TRUE(positions.ok()) << positions.status().message();
    line_.emplace(*sink_);
  }
  void write(FeedBatch feed, FullPull full = FullPull::none) {
    feed.range.full = full;
    const Status written = line_->write(feed);
    EXPECT_TRUE(written.ok()) << written.message();
  }
  void commit() {
    const Status committed = line_->commit();
    EXPECT_TRUE(committed.ok()) << committed.message();
  }
  void begin(const std::string& part = "b") { write(feed_batch(part, 0, 0), FullPull::begins); }
  void end(uint64_t records, const std::string& part = "b") { write(feed_batch(part, records, 0), FullPull::ends); }

  void expect_proven(uint64_t rows) {
    const auto report = (*open_sqlite_store(path_))->verify(nullptr);
    ASSERT_TRUE(report.ok()) << report.status().message();
    EXPECT_EQ(report->problems, Rows());
    EXPECT_EQ(report->rows, rows);
  }
  [[nodiscard]] Rows hours() const { return sql_rows(path_, "SELECT substr(time, 12, 2) FROM access_log ORDER BY 1"); }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("api.db");
  SinkPlan plan_ = feed_plan();
  std::unique_ptr<Sink> sink_;
  std::optional<FeedLine> line_;
  std::string said_;
};

TEST_F(SqliteFullPull, WhatItDoesNotHaveIsDeleted) {
  begin();
  write(feed_batch("b", 0, 3));
  commit();
  expect_proven(6);
  end(3);
  commit();
  EXPECT_EQ(hours(), Rows({"00", "01", "02"}));
  EXPECT_EQ(said_, "a full pull is complete: deleted 3 rows that it did not have");
  expect_proven(3);
  EXPECT_EQ(sql_value(path_, "SELECT hits FROM per_day"), "3");
  // What comes back is inserted again, and the next pull finds the same.
  write(feed_batch("b", 3, 2));
  commit();
  expect_proven(5);
  begin("c");
  write(feed_batch("c", 0, 4));
  end(4, "c");
  commit();
  EXPECT_EQ(hours(), Rows({"00", "01", "02", "03"}));
  expect_proven(4);
}

TEST_F(SqliteFullPull, GoesOnAfterAKill) {
  for (const bool after_begin : {true, false}) {
    begin();
    if (after_begin) commit();
    open();
    if (!after_begin) begin();
    write(feed_batch("b", 0, 2));
    commit();
    open();
    write(feed_batch("b", 2, 2));
    end(4);
    open();  // the end was not committed
    expect_proven(6);
    write(feed_batch("b", 2, 2));
    end(4);
    commit();
    EXPECT_EQ(hours(), Rows({"00", "01", "02", "03"}));
    expect_proven(4);
    sink_->rollback();
    RewindRequest all;
    all.pipeline = "logs";
    all.all = true;
    ASSERT_TRUE((*open_sqlite_store(path_))->rewind(all).ok());
    expect_proven(0);
    open();
    write(feed_batch("a", 0, 6));
    commit();
  }
}

TEST_F(SqliteFullPull, WindowsOfOldPullsFoldAway) {
  size_t most = 0;
  for (int pull = 1; pull <= 20; ++pull) {
    const std::string name = "pull" + std::to_string(pull) + "#";
    begin(name + "1");
    for (uint64_t i = 0; i < 6; ++i) write(feed_batch(name + std::to_string(i + 1), 0, i + 1));
    end(6, name + "6");
    commit();
    const auto before = (*open_sqlite_store(path_))->pipelines();
    ASSERT_TRUE(before.ok());
    open();
    const auto after = (*open_sqlite_store(path_))->pipelines();
    ASSERT_TRUE(after.ok());
    most = std::max(most, (*after)[0].parts.size());
    Counts sums[2];
    for (const PartState& part : (*before)[0].parts) sums[0].add(part.counts);
    for (const PartState& part : (*after)[0].parts) sums[1].add(part.counts);
    EXPECT_EQ(sums[0], sums[1]);
    EXPECT_EQ((*before)[0].parts.back().position, (*after)[0].parts.back().position);
    expect_proven(6);
  }
  EXPECT_EQ(most, 7U) << "the windows of the last pull, and one for all before them";
  EXPECT_EQ(sql_value(path_, "SELECT count(*) FROM _leat_positions JOIN _leat_parts USING(part)"), "7");
  EXPECT_EQ(sql_value(path_, "SELECT count(*) FROM _leat_ranges"), "7");
}

TEST_F(SqliteFullPull, APartWithRejectsOrRowsStays) {
  write(feed_batch("broken", 0, 7));
  commit();
  for (const std::string part : {"b", "c", "d"}) {
    begin(part);
    write(feed_batch(part, 0, 6));
    end(6, part);
    commit();
    open();
  }
  EXPECT_EQ(sql_rows(path_, "SELECT name FROM _leat_parts ORDER BY part"), Rows({"broken", "c", "d"}));
  expect_proven(6);
}

TEST_F(SqliteFullPull, WhatIsOlderThanItsRowWasSeen) {
  plan_.newest = "status";
  open();
  // Whether beginning, records and end are one commit or three.
  for (const bool apart : {false, true}) {
    const std::string part = apart ? "c" : "b";
    begin(part);
    if (apart) commit();
    write(feed_batch(part, 0, 5));
    if (apart) commit();
    end(5, part);
    commit();
    EXPECT_EQ(sql_value(path_, "SELECT sum(ignored) > 0 FROM _leat_ranges"), "1");
    EXPECT_EQ(hours(), Rows({"00", "01", "02", "03", "04"}));
    expect_proven(5);
  }
}

TEST_F(SqliteFullPull, NothingIsDeletedWhereItIsNotCertain) {
  begin();
  write(feed_batch("b", 0, 3));
  commit();
  write(feed_batch("b", 3, 0));  // a page more, but no end
  commit();
  EXPECT_EQ(hours().size(), 6U);
  FeedBatch reject = feed_batch("b", 3, 4);
  ASSERT_EQ(reject.rejects.size(), 1U);
  reject.batch = feed_batch("b", 3, 0).batch;
  reject.range.counts = {.filtered = 3, .rejected = 1, .digest = reject.range.counts.digest};
  write(std::move(reject));
  end(7);
  commit();
  EXPECT_EQ(said_, "a full pull is complete: 1 reject of it, whose rows are not known: nothing is deleted");
  EXPECT_EQ(hours().size(), 6U);
  begin("c");
  end(0, "c");
  commit();
  EXPECT_EQ(said_, "a full pull is complete: it has brought no record at all: nothing is deleted");
  end(0, "d");  // of none that has begun
  commit();
  EXPECT_EQ(hours().size(), 6U);
  expect_proven(6);
}

}  // namespace
}  // namespace leat
