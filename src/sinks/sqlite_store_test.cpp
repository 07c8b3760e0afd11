#include <gtest/gtest.h>

#include "db/sqlite.h"
#include "os/clock.h"
#include "sinks/sqlite.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

class SqliteStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto sink = make_sqlite_sink({.path = path_, .vfs = "", .cache_bytes = 1 << 20, .busy_timeout_ms = 50},
                                       os::clock(), nullptr);
    const Status fed = run_feed(*sink, feed_plan(), {"b", "a"}, 70, 5);
    ASSERT_TRUE(fed.ok()) << fed.message();
    auto store = open_sqlite_store(path_);
    ASSERT_TRUE(store.ok()) << store.status().message();
    store_ = *std::move(store);
  }

  std::vector<StoredReject> rejects(const RejectQuery& query) {
    std::vector<StoredReject> found;
    const Status listed = store_->rejects(query, [&](const StoredReject& reject) {
      found.push_back(reject);
      return true;
    });
    EXPECT_TRUE(listed.ok()) << listed.message();
    return found;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("web.db");
  std::unique_ptr<Store> store_;
};

TEST_F(SqliteStoreTest, WhatAPipelineIsMadeOf) {
  const auto schema = store_->schema("logs");
  ASSERT_TRUE(schema.ok());
  EXPECT_EQ(*schema, *feed_schema());
  const auto aggregates = store_->aggregates("logs");
  ASSERT_TRUE(aggregates.ok());
  EXPECT_EQ(*aggregates, feed_aggregates());
  EXPECT_TRUE(store_->schema("other")->fields.empty());
  EXPECT_TRUE(store_->aggregates("other")->empty());
}

TEST_F(SqliteStoreTest, RowsOfAnAggregateLargestFirst) {
  AggregateQuery query;
  query.aggregate = feed_aggregates()[0];
  query.columns = {"day", "hits", "visitors", "fastest"};
  query.order = "day";
  query.limit = 2;
  const auto rows = store_->aggregate_rows(query);
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ(std::get<std::string>((*rows)[0][0]), "2026-01-03");
  EXPECT_EQ(std::get<std::string>((*rows)[1][0]), "2026-01-02");
  EXPECT_EQ(std::to_string(std::get<int64_t>((*rows)[1][1])),
            sql_value(path_, "SELECT hits FROM per_day WHERE day = '2026-01-02'"));
  EXPECT_TRUE(std::holds_alternative<double>((*rows)[1][3]));
}

TEST_F(SqliteStoreTest, RowsOfOneKeyAlsoOfNull) {
  AggregateQuery query;
  query.aggregate = feed_aggregates()[1];
  query.columns = {"addr", "hits"};
  query.order = "hits";
  query.limit = 100;
  query.key = "status";
  query.is = int64_t{201};
  const auto rows = store_->aggregate_rows(query);
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  EXPECT_EQ(std::to_string(rows->size()), sql_value(path_, "SELECT count(*) FROM per_status WHERE status = 201"));
  query.key = "addr";
  query.is = std::monostate();
  const auto nulls = store_->aggregate_rows(query);
  ASSERT_TRUE(nulls.ok());
  ASSERT_FALSE(nulls->empty());
  EXPECT_TRUE(std::holds_alternative<std::monostate>((*nulls)[0][0]));
}

TEST_F(SqliteStoreTest, AnUnknownColumnIsNoText) {
  AggregateQuery query;
  query.aggregate = feed_aggregates()[0];
  query.columns = {"nothing"};
  query.order = "day";
  query.limit = 1;
  const auto rows = store_->aggregate_rows(query);
  ASSERT_FALSE(rows.ok());
  EXPECT_NE(rows.status().message().find("its tables are not as leat made them"), std::string::npos);
}

TEST_F(SqliteStoreTest, RejectsNewestFirstAndPaged) {
  const std::vector<StoredReject> all = rejects({.pipeline = "logs", .limit = 100, .raw_bytes = 64});
  ASSERT_EQ(all.size(), 20U);
  for (size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i].number, all[i - 1].number);
  EXPECT_EQ(all[0].origin, "/logs/a");
  EXPECT_EQ(all[0].line, 70U);
  EXPECT_EQ(all[0].byte_offset, 690U);
  EXPECT_EQ(all[0].column, "status");
  EXPECT_EQ(all[0].reason, "not a number");
  EXPECT_EQ(all[0].raw, "bad\x01\xFFrecord 69");  // kept as a BLOB
  EXPECT_EQ(all[0].raw_length, all[0].raw.size());
  EXPECT_EQ(all[0].at.size(), all[1].at.size());
  const std::vector<StoredReject> page = rejects({.pipeline = "logs", .skip = 3, .limit = 2, .raw_bytes = 4});
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].number, all[3].number);
  EXPECT_EQ(page[1].number, all[4].number);
  EXPECT_EQ(page[0].raw, all[3].raw.substr(0, 4));
  EXPECT_EQ(page[0].raw_length, all[3].raw_length);
  EXPECT_TRUE(rejects({.pipeline = "other", .limit = 9}).empty());
}

TEST_F(SqliteStoreTest, RejectsByFileAndLine) {
  const std::vector<StoredReject> all = rejects({.pipeline = "logs", .by_place = true, .limit = 100});
  ASSERT_EQ(all.size(), 20U);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(all[i].origin, "/logs/a");
    EXPECT_EQ(all[i + 10].origin, "/logs/b");
    EXPECT_EQ(all[i].line, 7 * (i + 1));
  }
}

TEST_F(SqliteStoreTest, TheTakerStops) {
  int taken = 0;
  ASSERT_TRUE(store_->rejects({.pipeline = "logs", .limit = 9}, [&](const StoredReject&) { return ++taken < 3; }).ok());
  EXPECT_EQ(taken, 3);
}

TEST_F(SqliteStoreTest, AnAnswerThatTakesTooLongIsGivenUp) {
  // As many rows as it takes to count for a while.
  ASSERT_EQ(sql_change(path_,
                       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) "
                       "INSERT INTO per_status(status, addr, hits) SELECT 1, i, i FROM n"),
            "");
  AggregateQuery query;
  query.aggregate = feed_aggregates()[1];
  query.columns = {"addr", "hits"};
  query.order = "hits";
  query.limit = 10;
  store_->answer_within(1);
  const auto late = store_->aggregate_rows(query);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.status().kind(), Kind::retry);
  EXPECT_EQ(late.status().message(), path_ + ": did not answer in time; leat asks again");
  store_->answer_within(60'000);
  const auto rows = store_->aggregate_rows(query);
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  EXPECT_EQ(rows->size(), 10U);
  EXPECT_TRUE(store_->pipelines().ok());
}

TEST_F(SqliteStoreTest, TheLastRun) {
  const auto sink = make_sqlite_sink({.path = path_, .vfs = ""}, os::clock(), nullptr);
  EXPECT_EQ(*sink->last_run("logs"), std::nullopt);
  EXPECT_EQ(store_->pipelines()->at(0).run, std::nullopt);
  PipelineRun run{1'700'000'000'000'001, 1'700'000'060'000'000, "", 1'700'003'600'000'000};
  for (const char* error : {"", "the API is away"}) {
    run.error = error;
    ASSERT_TRUE(sink->keep_run("logs", run).ok());
    EXPECT_EQ(*sink->last_run("logs"), run);
    EXPECT_EQ(store_->pipelines()->at(0).run, run);
    run.next_micros.reset();
  }
  EXPECT_EQ(*sink->last_run("other"), std::nullopt);
  // A database that is not there, or not leat's, is not made to keep that.
  const auto other = make_sqlite_sink({.path = path_ + "-other", .vfs = ""}, os::clock(), nullptr);
  EXPECT_TRUE(other->keep_run("logs", run).ok());
  EXPECT_EQ(*other->last_run("logs"), std::nullopt);
}

}  // namespace
}  // namespace leat
