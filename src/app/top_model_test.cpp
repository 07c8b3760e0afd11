#include "app/top_model.h"

#include <gtest/gtest.h>

#include "sinks/sqlite.h"
#include "tests/support/fake_clock.h"
#include "tests/support/sink_feed.h"

namespace leat::app {
namespace {

class TopReaderTest : public ::testing::Test {
 protected:
  TopReaderTest() {
    plan_.aggregates[1].name = "statuses_per_day";
    plan_.aggregates[1].by = {{"day", "day(time)"}, {"status", "status"}};
    AggregateSpec other = plan_.aggregates[1];
    other.name = "addresses_per_day";
    other.by = {{"addr", "addr"}, {"day", "day(time)"}};
    AggregateSpec hours = other;
    hours.name = "per_hour";
    hours.by = {{"hour", "hour(time)"}};
    plan_.aggregates.push_back(other);
    plan_.aggregates.push_back(hours);
  }

  void feed(uint64_t records) {
    const auto sink =
        make_sqlite_sink({.path = path_, .vfs = "", .cache_bytes = 1 << 20, .busy_timeout_ms = 50}, clock_, nullptr);
    const Status fed = run_feed(*sink, plan_, {"a"}, records, 5);
    ASSERT_TRUE(fed.ok()) << fed.message();
  }

  TopReader reader() {
    std::vector<Database> databases;
    databases.push_back({path_, nullptr, {}, [this]() -> Result<std::unique_ptr<Store>> {
                           if (fails_) return Status::fatal("the disk is on fire");
                           return open_sqlite_store(path_);
                         }});
    return {"web.db", std::move(databases), clock_};
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("web.db");
  SinkPlan plan_ = feed_plan();
  testing::FakeClock clock_;
  bool fails_ = false;
};

TEST_F(TopReaderTest, PipelinesDaysAndLists) {
  feed(70);
  TopReader top = reader();
  const TopModel& model = top.look();
  EXPECT_EQ(model.trouble, "");
  ASSERT_EQ(model.pipelines.size(), 1U);
  const TopPipeline& logs = model.pipelines[0];
  EXPECT_EQ(logs.name, "logs");
  EXPECT_TRUE(logs.started);
  EXPECT_FALSE(logs.running);
  EXPECT_EQ(logs.rows, 60U);
  EXPECT_EQ(logs.rejects, 10U);
  EXPECT_FALSE(logs.behind_bytes);  // there is no file /logs/a
  EXPECT_EQ(logs.rows_per_second, 0);
  ASSERT_EQ(model.days.size(), 3U);
  EXPECT_EQ(model.days[0].day, "2026-01-03");
  EXPECT_EQ(std::to_string(*model.days[1].hits), sql_value(path_, "SELECT hits FROM per_day WHERE day = '2026-01-02'"));
  EXPECT_EQ(std::to_string(*model.days[1].visitors),
            sql_value(path_, "SELECT visitors FROM per_day WHERE day = '2026-01-02'"));
  // By day and one more key; the hours are none of them.
  ASSERT_EQ(model.lists.size(), 2U);
  EXPECT_EQ(model.lists[0].title, "statuses");
  EXPECT_TRUE(model.lists[0].statuses);
  EXPECT_EQ(model.lists[0].day, "2026-01-03");
  EXPECT_EQ(model.lists[0].all, model.days[0].hits);
  EXPECT_EQ(model.lists[1].title, "addresses");
  uint64_t sum = 0;
  for (const TopList& list : model.lists) {
    for (size_t i = 1; i < list.entries.size(); ++i) EXPECT_LE(list.entries[i].hits, list.entries[i - 1].hits);
    for (const TopList::Entry& entry : list.entries) sum += entry.hits;
  }
  EXPECT_EQ(sum, 2 * *model.days[0].hits);
  bool none = false;
  for (const TopList::Entry& entry : model.lists[1].entries) none = none || entry.label == "(none)";
  EXPECT_EQ(none, sql_value(path_,
                            "SELECT count(*) FROM addresses_per_day WHERE day = '2026-01-03' AND addr IS NULL") != "0");
}

TEST_F(TopReaderTest, TheRateIsWhatWasAddedSince) {
  feed(70);
  TopReader top = reader();
  (void)top.look();
  feed(770);
  clock_.advance_ms(2000);
  EXPECT_EQ(top.look().pipelines[0].rows_per_second, 300);
  EXPECT_EQ(top.look().days.size(), 33U);
  clock_.advance_ms(3000);
  EXPECT_EQ(top.look().pipelines[0].rows_per_second, 120);
  clock_.advance_ms(5000);
  EXPECT_EQ(top.look().pipelines[0].rows_per_second, 0);
}

TEST_F(TopReaderTest, TroubleLeavesTheNumbersAndPasses) {
  feed(70);
  TopReader top = reader();
  (void)top.look();
  ASSERT_EQ(std::rename(path_.c_str(), (path_ + ".away").c_str()), 0);
  const TopModel& gone = top.look();
  EXPECT_EQ(gone.trouble, path_ + ": no such file; name a database that leat has made");
  ASSERT_EQ(gone.pipelines.size(), 1U);
  EXPECT_EQ(gone.pipelines[0].rows, 60U);
  EXPECT_EQ(gone.days.size(), 3U);
  ASSERT_EQ(std::rename((path_ + ".away").c_str(), path_.c_str()), 0);
  fails_ = true;
  EXPECT_EQ(top.look().trouble, "the disk is on fire");
  fails_ = false;
  EXPECT_EQ(top.look().trouble, "");
}

TEST_F(TopReaderTest, PipelinesThatHaveNotRun) {
  feed(7);
  std::vector<Database> databases;
  databases.push_back({path_, nullptr, {"logs", "later"}, [this] { return open_sqlite_store(path_); }});
  databases.push_back({folder_.file("none.db"), nullptr, {"never"}, [] { return std::unique_ptr<Store>(); }});
  TopReader top("web.toml", std::move(databases), clock_);
  const TopModel& model = top.look();
  EXPECT_EQ(model.trouble, "");
  ASSERT_EQ(model.pipelines.size(), 3U);
  EXPECT_EQ(model.pipelines[1].name, "later");
  EXPECT_FALSE(model.pipelines[1].started);
  EXPECT_EQ(model.pipelines[2].name, "never");
  EXPECT_EQ(model.days.size(), 1U);
  top.choose_next();
  EXPECT_TRUE(top.look().days.empty());
  EXPECT_EQ(top.look().chosen, 1U);
  top.choose_next();
  top.choose_next();
  EXPECT_EQ(top.look().chosen, 0U);
  EXPECT_EQ(top.look().days.size(), 1U);
}

}  // namespace
}  // namespace leat::app
