// What came in vain is undone in the commit that brings it again, and the books stay exact.

#include <gtest/gtest.h>

#include "os/clock.h"
#include "sinks/sqlite.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

using Rows = std::vector<std::string>;

class SqliteVoid : public testing::Test {
 protected:
  // Ends the run before.
  FeedLine& open() {
    line_.reset();
    sink_ = make_sqlite_sink({.path = path_, .vfs = ""}, os::clock(), nullptr);
    const auto positions = sink_->open(plan_);
    EXPECT_TRUE(positions.ok()) << positions.status().message();
    return line_.emplace(*sink_);
  }
  void use(WriteMode mode) {
    path_ = folder_.file(std::string(name_of(mode)));
    plan_.mode = mode;
    plan_.key.clear();
    if (mode == WriteMode::ignore || mode == WriteMode::merge) plan_.key = {"time"};
  }
  void expect_proven(uint64_t rows, uint64_t rejects) {
    const auto report = (*open_sqlite_store(path_))->verify(nullptr);
    ASSERT_TRUE(report.ok()) << report.status().message();
    EXPECT_EQ(report->problems, Rows());
    EXPECT_EQ(report->rows, rows);
    EXPECT_EQ(report->rejects, rejects);
  }
  [[nodiscard]] Rows ranges() const {
    return sql_rows(path_,
                    "SELECT p.name, start, \"end\", inserted, updated, ignored, rejected FROM _leat_ranges JOIN "
                    "_leat_parts AS p USING(part) ORDER BY 1, 2");
  }
  // What a person sees of rows, rejects and aggregates.
  [[nodiscard]] Rows content() const {
    Rows all;
    for (const char* sql :
         {"SELECT time, addr, status, seconds, hex(raw) FROM access_log ORDER BY time", "SELECT * FROM per_day",
          "SELECT * FROM per_status ORDER BY 1, 2", "SELECT raw FROM _leat_rejects ORDER BY raw",
          "SELECT value FROM _leat_distinct_per_day_visitors JOIN _leat_buckets_per_day USING(bucket) ORDER BY 1"}) {
      const Rows rows = sql_rows(path_, sql);
      all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("web.db");
  SinkPlan plan_ = feed_plan();
  std::unique_ptr<Sink> sink_;
  std::optional<FeedLine> line_;
};

// Page 0–4, page 5–13 in two chunks of which the second half is in another commit, the same records again, a page more;
// committed after each of the chunks whose bit is set.
void write_pages(FeedLine& line, unsigned commits) {
  unsigned bit = 1;
  const auto write = [&](const FeedBatch& feed) {
    ASSERT_TRUE(line.write(feed).ok());
    if ((commits & bit) != 0) {
      ASSERT_TRUE(line.commit().ok());
    }
    bit *= 2;
  };
  write(feed_page("a", 0, 5));
  write(feed_page("a", 5, 4));
  write(feed_batch("b", 0, 3));
  write(feed_batch("a", 9, 5));
  write(feed_page("a", 14, 9, 9));
  FeedBatch last = feed_batch("a", 23, 4, 9);
  last.range.fresh = true;
  write(last);
  ASSERT_TRUE(line.commit().ok());
}

TEST_F(SqliteVoid, RowsRejectsAndCountsGo) {
  // As if the page had come only once.
  FeedLine& clean = open();
  ASSERT_TRUE(clean.write(feed_batch("a", 0, 18)).ok());
  ASSERT_TRUE(clean.write(feed_batch("b", 0, 3)).ok());
  ASSERT_TRUE(clean.commit().ok());
  const Rows wanted = content();
  for (unsigned commits = 0; commits < 32; ++commits) {
    SCOPED_TRACE(commits);
    path_ = folder_.file(std::to_string(commits));
    write_pages(open(), commits);
    if (HasFatalFailure()) return;
    EXPECT_EQ(content(), wanted);
    expect_proven(19, 2);
    EXPECT_EQ(ranges(), (Rows{"a|0|230|12|0|0|2", "a|230|270|4|0|0|0", "b|0|30|3|0|0|0"}));
  }
}

TEST_F(SqliteVoid, WhatWasNotCommittedCanBeVoidAgain) {
  for (const bool committed : {false, true}) {
    path_ = folder_.file(committed ? "committed" : "open");
    FeedLine& line = open();
    ASSERT_TRUE(line.write(feed_page("a", 0, 7)).ok());
    for (const uint64_t first : {7, 14, 21}) {
      ASSERT_TRUE(line.write(feed_page("a", first, 7, 7)).ok());
      if (committed) {
        ASSERT_TRUE(line.commit().ok());
      }
    }
    ASSERT_TRUE(line.commit().ok());
    expect_proven(6, 1);
    EXPECT_EQ(ranges(), (Rows{"a|0|210|0|0|0|0", "a|210|280|6|0|0|1"}));
  }
}

TEST_F(SqliteVoid, APageThatIsEmptyNow) {
  FeedLine& line = open();
  ASSERT_TRUE(line.write(feed_page("a", 0, 5)).ok());
  ASSERT_TRUE(line.write(feed_page("a", 5, 7)).ok());
  ASSERT_TRUE(line.commit().ok());
  FeedBatch empty = feed_page("a", 12, 0, 7);
  ASSERT_TRUE(line.write(empty).ok());
  ASSERT_TRUE(line.commit().ok());
  expect_proven(5, 0);
  EXPECT_EQ(ranges(), Rows{"a|0|120|5|0|0|0"});
  // Nothing lies between it and the next one.
  empty.range.void_from = 120;
  ASSERT_TRUE(line.write(empty).ok());
  ASSERT_TRUE(line.write(feed_batch("a", 12, 1)).ok());
  ASSERT_TRUE(line.commit().ok());
  expect_proven(6, 0);
  EXPECT_EQ(ranges(), (Rows{"a|0|120|5|0|0|0", "a|120|130|1|0|0|0"}));
}

TEST_F(SqliteVoid, RowsWithAKeyStay) {
  for (const WriteMode mode : {WriteMode::ignore, WriteMode::merge}) {
    use(mode);
    FeedLine& line = open();
    ASSERT_TRUE(line.write(feed_page("a", 0, 9)).ok());
    ASSERT_TRUE(line.commit().ok());
    ASSERT_TRUE(line.write(feed_page("a", 9, 7, 9)).ok());
    ASSERT_TRUE(line.commit().ok());
    expect_proven(8, 1);
    const bool merges = mode == WriteMode::merge;
    EXPECT_EQ(ranges(), (Rows{"a|0|90|8|0|0|0", merges ? "a|90|160|0|6|0|1" : "a|90|160|0|0|6|1"}));
  }
}

TEST_F(SqliteVoid, ATableThatIsBeingReplaced) {
  use(WriteMode::replace);
  for (int pull = 0; pull < 2; ++pull) {
    write_pages(open(), 0x15);
    ASSERT_TRUE(sink_->finish().ok());
    expect_proven(19, 2);
  }
}

TEST_F(SqliteVoid, OnlyWhatBeganFresh) {
  FeedLine& line = open();
  ASSERT_TRUE(line.write(feed_page("a", 0, 5)).ok());
  ASSERT_TRUE(line.write(feed_batch("a", 5, 5)).ok());
  ASSERT_TRUE(line.commit().ok());
  ASSERT_TRUE(line.write(feed_page("a", 10, 5, 5)).ok());
  const Status refused = line.commit();
  EXPECT_EQ(refused.kind(), Kind::bug);
  EXPECT_EQ(refused.message(), path_ + ": part 1 'a' (/logs/a) stands at 100, but no fresh range begins at 50");
}

}  // namespace
}  // namespace leat
