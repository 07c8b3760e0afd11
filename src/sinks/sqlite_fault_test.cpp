// Every call into the file system fails once, at every place where it is made: after it the sink is opened again and
// everything must be there exactly once.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "sinks/sqlite.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

constexpr uint64_t kRecords = 40;
const std::vector<std::string> kParts = {"a", "b"};

class SqliteFaultTest : public testing::Test {
 protected:
  // Two runs over a growing feed, so that provisional records are written and undone under faults as well.
  Status run(uint64_t records, const std::string& tail) {
    // So small a cache that pages are written before the commit.
    const auto sink = make_sqlite_sink({.path = path_, .vfs = vfs_.name(), .cache_bytes = 1, .busy_timeout_ms = 0},
                                       os::clock(), nullptr);
    return run_feed(*sink, plan_, kParts, records, 5, tail, &acknowledged_, in_pages_);
  }
  Status both() {
    LEAT_TRY(run(kRecords / 2, "half a li"));
    return run(kRecords, "end");
  }
  void start_anew() {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(path_ + suffix, ignored);
  }
  // What the sink has called committed must still be there.
  void expect_kept(const std::string& place) {
    const auto sink = make_sqlite_sink({.path = path_, .vfs = vfs_.name()}, os::clock(), nullptr);
    const auto positions = sink->open(plan_);
    ASSERT_TRUE(positions.ok()) << place << ": " << positions.status().message();
    for (const Position& committed : acknowledged_) {
      const auto at = std::find_if(positions->begin(), positions->end(),
                                   [&](const Position& position) { return position.part == committed.part; });
      ASSERT_NE(at, positions->end()) << place << ": part " << committed.part << " was committed";
      ASSERT_GE(at->offset, committed.offset) << place << ": part " << committed.part;
    }
    acknowledged_.clear();
  }
  // From whatever a fault has left to the end, without faults.
  void mend(const std::string& place) {
    if (plan_.mode != WriteMode::replace) expect_kept(place);  // each of whose runs begins anew
    for (const Status& status : {run(kRecords, "end"), run(kRecords, "end")}) {
      ASSERT_TRUE(status.ok()) << place << ": " << status.message();
    }
    const auto store = open_sqlite_store(path_);
    ASSERT_TRUE(store.ok()) << place << ": " << store.status().message();
    const auto report = (*store)->verify(nullptr);
    ASSERT_TRUE(report.ok()) << place << ": " << report.status().message();
    for (const std::string& problem : report->problems) ADD_FAILURE() << place << ": " << problem;
    ASSERT_EQ(report->rows, rows_) << place;
    ASSERT_EQ(report->rejects, rejects_) << place;
    const std::string rows = std::to_string(rows_);
    ASSERT_EQ(sql_value(path_, "SELECT count(DISTINCT _part * 100000 + _offset) FROM access_log"), rows) << place;
    ASSERT_EQ(sql_value(path_, "SELECT sum(hits) FROM per_day"), rows) << place;
    ASSERT_EQ(sql_value(path_, "PRAGMA integrity_check"), "ok") << place;
  }
  void sweep(FaultVfs::Mode mode, uint64_t stride, const char* name) {
    std::map<std::string, int> places;
    uint64_t k = 0;
    for (;; k += stride) {
      start_anew();
      acknowledged_.clear();
      vfs_.arm(k, mode);
      const Status status = both();
      const std::string place = fmt::format("{}, call {} ({})", name, k, vfs_.where());
      vfs_.disarm();
      if (!vfs_.hit()) {
        ASSERT_TRUE(status.ok()) << status.message();
        break;
      }
      // What no fault of a disk may become: a bug, or rows that are refused.
      ASSERT_NE(status.kind(), Kind::bug) << place << ": " << status.message();
      ASSERT_NE(status.kind(), Kind::bad_data) << place << ": " << status.message();
      if (mode == FaultVfs::Mode::crash || mode == FaultVfs::Mode::torn) vfs_.take_down();
      ++places[vfs_.where()];
      mend(place);
      if (HasFatalFailure()) return;
    }
    fmt::print("{}: {} calls, every {}. failed, each mended\n", name, k, stride);
    for (const auto& [place, count] : places) fmt::print("  {:4} {}\n", count, place);
    EXPECT_GT(k, 300U);
  }
  // Both parts have the same keys: those of the second one are ignored, or take over.
  void sweep_mode(WriteMode mode, const char* name) {
    plan_.mode = mode;
    if (mode == WriteMode::ignore || mode == WriteMode::merge) {
      plan_.key = {"time"};
      rows_ /= 2;
    }
    sweep(FaultVfs::Mode::once, 7, name);
    sweep(FaultVfs::Mode::torn, 11, name);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("web.db");
  FaultVfs vfs_;
  Positions acknowledged_;
  SinkPlan plan_ = feed_plan();
  bool in_pages_ = false;
  uint64_t rows_ = 72;
  uint64_t rejects_ = 10;
};

TEST_F(SqliteFaultTest, EachCallFailsOnce) {
  sweep(FaultVfs::Mode::once, 1, "failing once");
}

TEST_F(SqliteFaultTest, AllCallsFailFromOneOn) {
  sweep(FaultVfs::Mode::forever, 1, "failing from there on");
}

TEST_F(SqliteFaultTest, TheMachineStops) {
  sweep(FaultVfs::Mode::crash, 1, "losing what was not synced");
}

TEST_F(SqliteFaultTest, TheMachineStopsHalfWay) {
  sweep(FaultVfs::Mode::torn, 1, "losing half of what was not synced");
}

TEST_F(SqliteFaultTest, WhileTheFirstOneWins) {
  sweep_mode(WriteMode::ignore, "ignore");
}

TEST_F(SqliteFaultTest, WhileTheLastOneWins) {
  sweep_mode(WriteMode::merge, "merge");
}

TEST_F(SqliteFaultTest, WhileATableIsReplaced) {
  sweep_mode(WriteMode::replace, "replace");
}

// Of each part 2 of 8 pages are taken anew, each with a reject.
class SqliteVoidFaultTest : public SqliteFaultTest {
 protected:
  SqliteVoidFaultTest() {
    in_pages_ = true;
    rows_ = 56;
    rejects_ = 6;
  }
};

TEST_F(SqliteVoidFaultTest, WhilePagesAreTakenAnew) {
  sweep(FaultVfs::Mode::once, 3, "pages, failing once");
  sweep(FaultVfs::Mode::torn, 5, "pages, losing half of what was not synced");
}

TEST_F(SqliteVoidFaultTest, WhileTheirRowsHaveKeys) {
  sweep_mode(WriteMode::merge, "pages, merge");
}

TEST_F(SqliteVoidFaultTest, WhileTheyReplaceATable) {
  sweep_mode(WriteMode::replace, "pages, replace");
}

}  // namespace
}  // namespace leat
