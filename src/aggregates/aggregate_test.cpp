#include "aggregates/aggregate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <mutex>
#include <thread>

#include "aggregates/aggregate_limits.h"
#include "aggregates/key.h"
#include "base/time.h"

namespace leat {
namespace {

SchemaPtr log_schema() {
  auto schema = std::make_shared<Schema>();
  schema->fields = {{"time", Type::time},      {"remote_addr", Type::text},        {"request_uri", Type::text},
                    {"status", Type::integer}, {"body_bytes_sent", Type::integer}, {"seconds", Type::real},
                    {"cached", Type::boolean}, {"raw_log", Type::text, true}};
  return schema;
}

AggregateSpec spec_of(std::vector<NamedExpression> by, std::vector<NamedExpression> value, std::string zone = "UTC") {
  AggregateSpec spec;
  spec.name = "a";
  spec.timezone = std::move(zone);
  spec.by = std::move(by);
  spec.value = std::move(value);
  return spec;
}

std::unique_ptr<Aggregate> bind(const AggregateSpec& spec) {
  auto bound = Aggregate::bind(spec, *log_schema());
  EXPECT_TRUE(bound.ok()) << bound.status().message();
  return bound.ok() ? *std::move(bound) : nullptr;
}

std::string error_of(const AggregateSpec& spec) {
  auto bound = Aggregate::bind(spec, *log_schema());
  if (bound.ok()) return "ok";
  EXPECT_EQ(bound.status().kind(), Kind::bad_config);
  return bound.status().message();
}
std::string by_error(const std::string& expression) {
  return error_of(spec_of({{"k", expression}}, {{"n", "count()"}}));
}
std::string value_error(const std::string& expression) {
  return error_of(spec_of({{"day", "day(time)"}}, {{"n", expression}}));
}

size_t candidates(Aggregate& aggregate, size_t column) {
  size_t count = 0;
  Status outcome;
  aggregate.for_each_candidate(
      column,
      [&](size_t, AggregateValue) {
        ++count;
        return Status();
      },
      &outcome);
  EXPECT_TRUE(outcome.ok());
  return count;
}

TEST(AggregateBind, ColumnsKeysFirstInTheDeclaredOrder) {
  const auto aggregate = bind(spec_of({{"status", "status"}, {"day", "day(time)"}, {"page", "path(request_uri)"}},
                                      {{"visitors", "count_distinct(remote_addr)"},
                                       {"hits", "count()"},
                                       {"slowest", "max(seconds)"},
                                       {"last", "max(time)"},
                                       {"bytes", "sum(body_bytes_sent)"}}));
  ASSERT_NE(aggregate, nullptr);
  const auto& columns = aggregate->columns();
  ASSERT_EQ(columns.size(), 8U);
  const std::vector<std::string> names{"status", "day", "page", "visitors", "hits", "slowest", "last", "bytes"};
  const std::vector<Type> types{Type::integer, Type::text, Type::text, Type::integer,
                                Type::integer, Type::real, Type::time, Type::integer};
  for (size_t i = 0; i < columns.size(); ++i) {
    EXPECT_EQ(columns[i].name, names[i]);
    EXPECT_EQ(columns[i].type, types[i]) << names[i];
    EXPECT_EQ(columns[i].key, i < 3) << names[i];
  }
  EXPECT_EQ(columns[3].measure, Measure::count_distinct);
  EXPECT_EQ(columns[3].argument, Type::text);
  EXPECT_EQ(columns[6].measure, Measure::max);
  EXPECT_EQ(aggregate->inputs(), (std::vector<size_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(aggregate->spec().name, "a");
}

TEST(AggregateBind, ErrorsOfKeys) {
  EXPECT_EQ(by_error("stauts"),
            "aggregate 'a': by 'k' = 'stauts': unknown column 'stauts' at character 1 (did you mean 'status'?)");
  EXPECT_EQ(by_error("day(tme)"),
            "aggregate 'a': by 'k' = 'day(tme)': unknown column 'tme' at character 5 (did you mean 'time'?)");
  EXPECT_EQ(by_error("nothing_like_it"),
            "aggregate 'a': by 'k' = 'nothing_like_it': unknown column 'nothing_like_it' at character 1 (there are: "
            "time, remote_addr, request_uri, status, body_bytes_sent, seconds, cached, raw_log)");
  EXPECT_EQ(by_error("day(status)"),
            "aggregate 'a': by 'k' = 'day(status)': day() wants a time column at character 5: 'status' is of type "
            "integer");
  EXPECT_EQ(by_error(" path(time)"),
            "aggregate 'a': by 'k' = ' path(time)': path() wants a text column at character 7: 'time' is of type time");
  EXPECT_EQ(by_error("count_distinct(remote_addr)"),
            "aggregate 'a': by 'k' = 'count_distinct(remote_addr)': count_distinct() is a measure at character 1: it "
            "belongs into `value`; a key is a column or an expression such as day(time)");
  EXPECT_EQ(by_error("day(path(request_uri))"),
            "aggregate 'a': by 'k' = 'day(path(request_uri))': day(path(request_uri)): day() wants time, and "
            "path(request_uri) is of type text");
  EXPECT_EQ(by_error("lower(remote_addr) = status"),
            "aggregate 'a': by 'k' = 'lower(remote_addr) = status': lower(remote_addr) = status: text and integer "
            "cannot be compared");
  EXPECT_EQ(by_error("lower(raw_log)"),
            "aggregate 'a': by 'k' = 'lower(raw_log)': raw_log: this column holds raw bytes: it can be compared and "
            "searched, but nothing can be made of it");
  EXPECT_EQ(by_error("contains(raw_log, 'x')"), "ok");
  EXPECT_EQ(by_error("sum(status) / 2"),
            "aggregate 'a': by 'k' = 'sum(status) / 2': sum(status): sum() is a measure: it stands by itself, in the "
            "`value` of an aggregate");
  EXPECT_EQ(by_error("raw_log"),
            "aggregate 'a': by 'k' = 'raw_log': column 'raw_log' at character 1 holds raw bytes: it can be neither a "
            "key nor what a measure counts");
  EXPECT_EQ(by_error("path(raw_log)"),
            "aggregate 'a': by 'k' = 'path(raw_log)': column 'raw_log' at character 6 holds raw bytes: it can be "
            "neither a key nor what a measure counts");
  EXPECT_NE(by_error("dya(time)").find("aggregate 'a': by 'k' = 'dya(time)': unknown function 'dya'"),
            std::string::npos)
      << by_error("dya(time)");
  EXPECT_NE(by_error("day()").find("day() takes 1 argument, not 0"), std::string::npos) << by_error("day()");
}

TEST(AggregateBind, ErrorsOfMeasures) {
  EXPECT_EQ(value_error("status"),
            "aggregate 'a': value 'n' = 'status': 'status' is not a measure at character 1: a value is one of count(), "
            "sum(x), min(x), max(x), count_distinct(x)");
  EXPECT_EQ(value_error("day(time)"),
            "aggregate 'a': value 'n' = 'day(time)': 'day(time)' is not a measure at character 1: a value is one of "
            "count(), sum(x), min(x), max(x), count_distinct(x)");
  EXPECT_EQ(value_error("sum(remote_addr)"),
            "aggregate 'a': value 'n' = 'sum(remote_addr)': sum() wants an integer or a real at character 5: "
            "'remote_addr' is of type text");
  EXPECT_EQ(value_error("sum(cached)"),
            "aggregate 'a': value 'n' = 'sum(cached)': sum() wants an integer or a real at character 5: 'cached' "
            "is of type boolean");
  EXPECT_EQ(value_error("min(cached)"),
            "aggregate 'a': value 'n' = 'min(cached)': min() wants an integer, real, time or text at character 5: "
            "'cached' is of type boolean");
  EXPECT_EQ(value_error("count_distinct(remote_adr)"),
            "aggregate 'a': value 'n' = 'count_distinct(remote_adr)': unknown column 'remote_adr' at character 16 (did "
            "you mean 'remote_addr'?)");
  EXPECT_EQ(value_error("count_distinct(path(request_uri))"), "ok");
  EXPECT_EQ(value_error("sum(path(request_uri))"),
            "aggregate 'a': value 'n' = 'sum(path(request_uri))': sum() wants an integer or a real at character 5: "
            "'path(request_uri)' is of type text");
  EXPECT_EQ(value_error("sum(status) / count()"),
            "aggregate 'a': value 'n' = 'sum(status) / count()': 'sum(status) / count()' is not a measure at character "
            "1: a value is one of count(), sum(x), min(x), max(x), count_distinct(x)");
  EXPECT_EQ(value_error("count_distinct(raw_log)"),
            "aggregate 'a': value 'n' = 'count_distinct(raw_log)': column 'raw_log' at character 16 holds raw bytes: "
            "it can be neither a key nor what a measure counts");
  EXPECT_NE(value_error("count(status)").find("count() takes no argument, not 1"), std::string::npos);
  EXPECT_EQ(value_error("count_distinct(cached)"), "ok");
}

TEST(AggregateBind, ErrorsOfTheWhole) {
  EXPECT_EQ(error_of(spec_of({{"day", "day(time)"}}, {{"n", "count()"}}, "Europe/Berln")),
            "aggregate 'a': unknown time zone 'Europe/Berln' (did you mean 'Europe/Berlin'?)");
  EXPECT_EQ(error_of(spec_of({}, {{"n", "count()"}})),
            "aggregate 'a': `by` is empty: name at least one key, as in { day = \"day(time)\" }");
  EXPECT_EQ(error_of(spec_of({{"day", "day(time)"}}, {})),
            "aggregate 'a': `value` is empty: name at least one measure, as in { hits = \"count()\" }");
  EXPECT_EQ(error_of(spec_of({{"day", "day(time)"}}, {{"Day", "count()"}})),
            "aggregate 'a': column 'Day' is named twice");
  EXPECT_EQ(error_of(spec_of({{"", "day(time)"}}, {{"n", "count()"}})), "aggregate 'a': a column has no name");
}

TEST(Aggregate, IntegerSumsStopAtTheLimits) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  auto aggregate = bind(spec_of({{"status", "status"}}, {{"bytes", "sum(body_bytes_sent)"}}));
  RecordBatch batch(log_schema());
  const auto add = [&](int64_t status, int64_t bytes) {
    const size_t row = batch.add_row({});
    batch.set_integer(3, row, status);
    batch.set_integer(4, row, bytes);
  };
  add(1, kMost);
  add(1, kMost);
  add(2, kLeast);
  add(2, -1);
  add(3, kMost);  // passes the limit and comes back
  add(3, 5);
  add(3, -5);
  aggregate->add(batch, 0, batch.rows());
  ASSERT_EQ(aggregate->buckets(), 3U);
  EXPECT_EQ(aggregate->value(0, 1).integer, kMost);
  EXPECT_EQ(aggregate->value(1, 1).integer, kLeast);
  EXPECT_EQ(aggregate->value(2, 1).integer, kMost);
}

TEST(Aggregate, BorrowedTextStaysUntilTheNextChange) {
  auto aggregate = bind(spec_of({{"hour", "hour(time)"}}, {{"n", "count()"}}));
  RecordBatch batch(log_schema());
  for (int64_t hour = 0; hour < 100; ++hour) {
    batch.set_integer(0, batch.add_row({}), hour * 3600 * kMicrosPerSecond);
  }
  aggregate->add(batch, 0, batch.rows());
  std::vector<std::string_view> texts;
  for (size_t bucket = 0; bucket < aggregate->buckets(); ++bucket) texts.push_back(aggregate->value(bucket, 0).text);
  EXPECT_EQ(texts.front(), "1970-01-01 00");
  EXPECT_EQ(texts.back(), "1970-01-05 03");
}

TEST(Aggregate, ThreadsCountWhileOthersAreAdded) {
  const auto aggregate = bind(spec_of({{"page", "path(request_uri)"}, {"upper", "upper(path(request_uri))"}},
                                      {{"visitors", "count_distinct(remote_addr)"},
                                       {"hits", "count()"},
                                       {"uppers", "count_distinct(upper(remote_addr))"},
                                       {"least", "min(upper(remote_addr))"}}));
  const SchemaPtr schema = log_schema();
  const size_t uri = *schema->find("request_uri");
  const size_t address = *schema->find("remote_addr");
  constexpr size_t kThreads = 3;
  constexpr size_t kBatches = 40;
  std::mutex mutex;  // guards the aggregate's own thread's calls
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (size_t n = 0; n < kBatches; ++n) {
        RecordBatch batch(schema);
        for (size_t i = 0; i < 50; ++i) {
          const size_t row = batch.add_row({});
          batch.set_new_text(uri, row, "/page-" + std::to_string(i) + "?" + std::to_string(n));
          batch.set_new_text(address, row, "address " + std::to_string(thread));
        }
        auto counted = aggregate->count(batch);
        const std::lock_guard lock(mutex);
        aggregate->add(batch, std::move(counted));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(aggregate->buckets(), 50U);
  for (size_t bucket = 0; bucket < 50; ++bucket) {
    std::string page(aggregate->value(bucket, 0).text);
    std::transform(page.begin(), page.end(), page.begin(), [](unsigned char c) { return std::toupper(c); });
    EXPECT_EQ(aggregate->value(bucket, 1).text, page);
    EXPECT_EQ(aggregate->value(bucket, 3).integer, static_cast<int64_t>(kThreads * kBatches));
    EXPECT_EQ(aggregate->value(bucket, 5).text, "ADDRESS 0");
  }
  EXPECT_EQ(candidates(*aggregate, 2), 50 * kThreads);
  EXPECT_EQ(candidates(*aggregate, 4), 50 * kThreads);
}

class Distinct : public testing::Test {
 protected:
  // Rows of one day with the addresses [from, to).
  void add(Aggregate& aggregate, int64_t day, int from, int to) {
    RecordBatch batch(log_schema());
    for (int i = from; i < to; ++i) {
      const size_t row = batch.add_row({});
      batch.set_integer(0, row, day * kSecondsPerDay * kMicrosPerSecond);
      batch.set_new_text(1, row, "address " + std::to_string(i));
    }
    aggregate.add(batch, 0, batch.rows());
  }
  AggregateSpec spec_ = spec_of({{"day", "day(time)"}}, {{"visitors", "count_distinct(remote_addr)"}});
};

TEST_F(Distinct, WhatWasHandedOutIsNotHandedOutAgain) {
  auto aggregate = bind(spec_);
  add(*aggregate, 0, 0, 1000);
  add(*aggregate, 0, 0, 1000);
  EXPECT_EQ(candidates(*aggregate, 1), 1000U);
  aggregate->committed();
  add(*aggregate, 0, 500, 1200);
  EXPECT_EQ(candidates(*aggregate, 1), 200U);
  aggregate->committed();
  add(*aggregate, 1, 0, 10);  // bucket 0 again, but another day
  EXPECT_EQ(candidates(*aggregate, 1), 10U);
  aggregate->committed();
  add(*aggregate, 0, 0, 1200);
  EXPECT_EQ(candidates(*aggregate, 1), 0U);
  EXPECT_EQ(aggregate->buckets(), 1U);
}

TEST_F(Distinct, ARollbackForgetsWhatIsKnown) {
  auto aggregate = bind(spec_);
  add(*aggregate, 0, 0, 100);
  aggregate->committed();
  add(*aggregate, 0, 100, 110);
  aggregate->rolled_back();
  EXPECT_EQ(candidates(*aggregate, 1), 0U);
  add(*aggregate, 0, 0, 110);
  EXPECT_EQ(candidates(*aggregate, 1), 110U);
}

TEST_F(Distinct, AFullMemoryCostsCandidatesAndNothingElse) {
  auto bound = bind_with_known_bytes(spec_, *log_schema(), 1);
  ASSERT_TRUE(bound.ok());
  auto aggregate = *std::move(bound);
  for (int round = 0; round < 3; ++round) add(*aggregate, 0, 0, 5000);
  EXPECT_EQ(candidates(*aggregate, 1), 5000U);
  aggregate->committed();
  add(*aggregate, 0, 0, 5000);
  EXPECT_GT(candidates(*aggregate, 1), 4000U);
}

TEST_F(Distinct, AFailingVisitEndsTheWalk) {
  auto aggregate = bind(spec_);
  add(*aggregate, 0, 0, 100);
  size_t visits = 0;
  Status outcome;
  aggregate->for_each_candidate(
      1,
      [&](size_t, AggregateValue) {
        ++visits;
        return visits == 3 ? Status::retry("disk full") : Status();
      },
      &outcome);
  EXPECT_EQ(visits, 3U);
  EXPECT_EQ(outcome.message(), "disk full");
}

class HoldsAll : public testing::Test {
 protected:
  static std::unique_ptr<Aggregate> bind_all(const AggregateSpec& spec) {
    auto bound = Aggregate::bind(spec, *log_schema(), Keeping::all);
    EXPECT_TRUE(bound.ok()) << bound.status().message();
    return bound.ok() ? *std::move(bound) : nullptr;
  }
};

TEST_F(HoldsAll, DistinctValuesOfManyBatches) {
  const auto aggregate =
      bind_all(spec_of({{"status", "status"}}, {{"addresses", "count_distinct(remote_addr)"}, {"hits", "count()"}}));
  const size_t empty = aggregate->memory_bytes();
  for (int round = 0; round < 2; ++round) {
    for (int part = 0; part < 10; ++part) {
      RecordBatch batch(log_schema());
      for (int i = 0; i < 30'000; ++i) {
        const size_t row = batch.add_row({});
        batch.set_new_text(1, row, "address " + std::to_string(part * 30'000 + i));
        batch.set_integer(3, row, i % 3);
      }
      batch.add_row({});  // NULL
      aggregate->add(batch, 0, batch.rows());
    }
  }
  ASSERT_EQ(aggregate->buckets(), 4U);
  for (size_t bucket = 0; bucket < 4; ++bucket) {
    const bool null = aggregate->value(bucket, 0).kind == AggregateValue::Kind::null;
    EXPECT_EQ(aggregate->value(bucket, 1).integer, null ? 0 : 100'000);
    EXPECT_EQ(aggregate->value(bucket, 2).integer, null ? 20 : 200'000);
  }
  EXPECT_EQ(candidates(*aggregate, 1), 0U);
  EXPECT_GE(aggregate->memory_bytes(), empty + 300'000 * 16);
  EXPECT_LE(aggregate->memory_bytes(), 300'000 * 16 * 3);
}

}  // namespace
}  // namespace leat
