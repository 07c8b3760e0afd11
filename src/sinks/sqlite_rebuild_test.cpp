#include <gtest/gtest.h>

#include "os/clock.h"
#include "sinks/sqlite.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

class SqliteRebuild : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(feed(100).ok()); }
  Status feed(uint64_t records) {
    const auto sink = make_sqlite_sink({.path = path_, .vfs = ""}, os::clock(), nullptr);
    return run_feed(*sink, feed_plan(), {"a", "b"}, records, 5);
  }
  Result<std::vector<Rebuilt>> rebuild(const std::string& aggregate = "", std::vector<std::string> pipelines = {}) {
    const auto store = open_sqlite_store(path_);
    EXPECT_TRUE(store.ok()) << store.status().message();
    return (*store)->rebuild({std::move(pipelines), aggregate}, nullptr);
  }
  [[nodiscard]] std::vector<std::string> problems() const {
    const auto report = (*open_sqlite_store(path_))->verify(nullptr);
    EXPECT_TRUE(report.ok()) << report.status().message();
    return report->problems;
  }
  [[nodiscard]] std::string value(const std::string& sql) const { return sql_value(path_, sql); }
  void change(const std::string& sql) const { ASSERT_EQ(sql_change(path_, sql), ""); }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("web.db");
};

TEST_F(SqliteRebuild, MendsWhatWasDamaged) {
  const auto before = sql_rows(path_, "SELECT * FROM per_day ORDER BY 1");
  for (const char* damage :
       {"UPDATE per_day SET hits = hits + 1", "DELETE FROM per_day", "DROP TABLE per_day",
        "DELETE FROM _leat_distinct_per_day_visitors WHERE value = '10.0.0.3'",
        "DROP TABLE _leat_distinct_per_day_visitors", "DROP TABLE _leat_buckets_per_day",
        "ALTER TABLE per_day DROP COLUMN total", "INSERT INTO per_day(day) VALUES(NULL), (NULL)"}) {
    change(damage);
    EXPECT_FALSE(problems().empty()) << damage;
    const auto rebuilt = rebuild("per_day");
    ASSERT_TRUE(rebuilt.ok()) << damage << ": " << rebuilt.status().message();
    ASSERT_EQ(rebuilt->size(), 1U);
    EXPECT_EQ((*rebuilt)[0].aggregate, "per_day");
    EXPECT_EQ((*rebuilt)[0].pipeline, "logs");
    EXPECT_EQ((*rebuilt)[0].rows, 172U);
    EXPECT_EQ(std::to_string((*rebuilt)[0].buckets), value("SELECT count(*) FROM per_day"));
    EXPECT_EQ(problems(), std::vector<std::string>()) << damage;
    EXPECT_EQ(sql_rows(path_, "SELECT * FROM per_day ORDER BY 1"), before) << damage;
  }
  ASSERT_TRUE(feed(150).ok()) << "and it goes on";
  EXPECT_EQ(problems(), std::vector<std::string>());
}

TEST_F(SqliteRebuild, AllOfThemWithProgress) {
  change("DELETE FROM per_day");
  change("DELETE FROM per_status");
  uint64_t last = 0;
  const auto store = open_sqlite_store(path_);
  const auto rebuilt = (*store)->rebuild({}, [&](uint64_t done, uint64_t total) {
    EXPECT_LE(done, total);
    EXPECT_GE(done, last);
    last = done;
  });
  ASSERT_TRUE(rebuilt.ok()) << rebuilt.status().message();
  ASSERT_EQ(rebuilt->size(), 2U);
  EXPECT_EQ((*rebuilt)[1].aggregate, "per_status");
  EXPECT_EQ(last, 172U);
  EXPECT_EQ(problems(), std::vector<std::string>());
}

TEST_F(SqliteRebuild, KeepsWhatAUserHasPutOnTheTable) {
  change("CREATE INDEX mine ON per_day(hits)");
  change("CREATE VIEW best AS SELECT * FROM per_day WHERE hits > 1");
  change("CREATE TRIGGER told AFTER DELETE ON per_day BEGIN SELECT 1; END");
  const std::string before = value("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema ORDER BY name)");
  ASSERT_TRUE(rebuild().ok());
  EXPECT_EQ(value("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema ORDER BY name)"), before);
  EXPECT_EQ(problems(), std::vector<std::string>());
}

TEST_F(SqliteRebuild, AnUnknownAggregate) {
  const auto refused = rebuild("per_dya");
  EXPECT_EQ(refused.status().kind(), Kind::bad_config);
  EXPECT_EQ(refused.status().message(), path_ + ": there is no aggregate 'per_dya' (did you mean 'per_day'?)");
  EXPECT_EQ(rebuild("something_else").status().message(),
            path_ + ": there is no aggregate 'something_else' (there are: per_day, per_status)");
  EXPECT_EQ(rebuild("per_day", {"other"}).status().message(),
            path_ + ": there is no aggregate 'per_day' (it keeps none)");
  EXPECT_TRUE(rebuild("", {"other"})->empty());
  EXPECT_EQ(rebuild("", {"logs"})->size(), 2U);
}

TEST_F(SqliteRebuild, AllOrNothing) {
  change("UPDATE per_day SET hits = hits + 1");
  change("CREATE TRIGGER broken AFTER INSERT ON per_status BEGIN INSERT INTO nowhere VALUES(1); END");
  change("DROP TABLE access_log");
  const std::string before = value("SELECT sum(hits) FROM per_day");
  EXPECT_FALSE(rebuild().ok());
  EXPECT_EQ(value("SELECT sum(hits) FROM per_day"), before);
  EXPECT_EQ(value("SELECT count(*) FROM sqlite_schema WHERE name = 'broken'"), "1");
}

TEST_F(SqliteRebuild, TakesThePipelineFromWhoeverHeldIt) {
  // Of this process, which is not refused, but must not go on with what it remembers.
  const auto sink = make_sqlite_sink({.path = path_, .vfs = ""}, os::clock(), nullptr);
  ASSERT_TRUE(sink->open(feed_plan()).ok());
  ASSERT_TRUE(rebuild().ok());
  const FeedBatch more = feed_batch("a", 100, 5);
  const auto written = sink->write(more.batch, 0, more.batch.rows(), more.rejects);
  EXPECT_EQ(written.status().kind(), Kind::fatal);
  sink->rollback();
  ASSERT_TRUE(feed(120).ok());
  EXPECT_EQ(problems(), std::vector<std::string>());
}

TEST_F(SqliteRebuild, WaitsForALockAndSaysSo) {
  const auto sink = make_sqlite_sink({.path = path_, .vfs = ""}, os::clock(), nullptr);
  ASSERT_TRUE(sink->open(feed_plan()).ok());
  const FeedBatch more = feed_batch("a", 100, 5);
  ASSERT_TRUE(sink->write(more.batch, 0, more.batch.rows(), more.rejects).ok());
  EXPECT_EQ(rebuild().status().kind(), Kind::retry) << "a commit is under way";
  sink->rollback();
  EXPECT_TRUE(rebuild().ok());
}

}  // namespace
}  // namespace leat
