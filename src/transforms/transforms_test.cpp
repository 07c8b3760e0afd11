#include <gtest/gtest.h>

#include <thread>

#include "base/time.h"
#include "transforms/cast.h"
#include "transforms/columns.h"
#include "transforms/derive.h"
#include "transforms/filter.h"

namespace leat {
namespace {

SchemaPtr log_schema() {
  auto schema = std::make_shared<Schema>();
  schema->fields = {{"time", Type::time},  {"addr", Type::text},    {"status", Type::integer},
                    {"bytes", Type::text}, {"seconds", Type::real}, {"raw_log", Type::text, true}};
  return schema;
}

// Row i: status i, bytes the text of 100 i (of every fifth row "-"), seconds i / 2, addr NULL in every third.
RecordBatch log_batch(size_t rows) {
  RecordBatch batch(log_schema());
  batch.part = "part";
  batch.origin = "access.log";
  for (size_t i = 0; i < rows; ++i) {
    const std::string raw = "raw " + std::to_string(i);
    const size_t row =
        batch.add_row({.offset = i * 10, .line = i + 1, .raw = pack_text(batch.arena.size(), raw.size())});
    batch.set_new_text(5, row, raw);
    batch.set_integer(0, row, static_cast<int64_t>(i) * kMicrosPerSecond * 3600);
    if (i % 3 != 0) batch.set_new_text(1, row, "Host" + std::to_string(i));
    batch.set_integer(2, row, static_cast<int64_t>(i));
    batch.set_new_text(3, row, i % 5 == 0 ? "-" : std::to_string(i * 100));
    batch.set_real(4, row, static_cast<double>(i) / 2);
  }
  return batch;
}

Entry entry(const std::string& key, const std::string& text) {
  return {key, Place{2, 1, 1}, Value::of(text)};
}

// Where it stands does not matter here.
Status blame(const Place& at, const std::string& what) {
  return Status::bad_config(what + (at.line == 2 ? " [name]" : ""));
}

std::string columns_of(const Schema& schema) {
  std::string out;
  for (const Field& field : schema.fields) out += (out.empty() ? "" : " ") + field.name + ":" + name_of(field.type);
  return out;
}

struct Outcome {
  std::string columns;  // or the message
  RecordBatch batch{std::make_shared<const Schema>()};
  Rejects rejects;
  uint64_t filtered = 0;
};

Outcome outcome_of(std::unique_ptr<Transform> transform, size_t rows = 20) {
  Outcome outcome;
  const auto bound = transform->bind(log_schema());
  outcome.columns = bound.ok() ? columns_of(**bound) : bound.status().message();
  if (!bound.ok()) return outcome;
  outcome.batch = log_batch(rows);
  transform->apply(outcome.batch, outcome.rejects, outcome.filtered);
  EXPECT_EQ(outcome.batch.schema(), **bound);
  EXPECT_EQ(outcome.batch.rows() + outcome.rejects.size() + outcome.filtered, rows);
  for (const Reject& reject : outcome.rejects) {
    EXPECT_EQ(reject.part, "part");
    EXPECT_EQ(reject.origin, "access.log");
    EXPECT_EQ(reject.raw, "raw " + std::to_string(reject.line - 1));
    EXPECT_EQ(reject.byte_offset, (reject.line - 1) * 10);
  }
  return outcome;
}

Outcome filter(const std::string& where) {
  return outcome_of(make_filter({Value::of(where)}, blame));
}
Outcome derive(std::vector<Entry> columns, const std::string& timezone = "UTC") {
  return outcome_of(make_derive({std::move(columns), timezone}, blame));
}

TEST(Filter, KeepsWhatIsTrue) {
  const Outcome outcome = filter("status >= 10 AND addr LIKE 'Host1%'");
  EXPECT_EQ(outcome.columns, columns_of(*log_schema()));
  ASSERT_EQ(outcome.batch.rows(), 7U);  // 10 11 13 14 16 17 19; addr of the others is NULL
  EXPECT_EQ(outcome.filtered, 13U);
  EXPECT_EQ(outcome.batch.integer(2, 2), 13);
  EXPECT_EQ(outcome.batch.text(1, 2), "Host13");
  EXPECT_EQ(outcome.batch.raw(2), "raw 13");
}

TEST(Filter, NullIsNotTrue) {
  EXPECT_EQ(filter("addr <> 'x'").filtered, 7U);
  EXPECT_EQ(filter("NOT addr <> 'x'").filtered, 20U);
  EXPECT_EQ(filter("addr IS NULL").batch.rows(), 7U);
}

TEST(Filter, ARowThatCannotBeDecidedIsAReject) {
  const Outcome outcome = filter("10 / status >= 1");
  EXPECT_EQ(outcome.batch.rows(), 10U);
  EXPECT_EQ(outcome.filtered, 9U);
  ASSERT_EQ(outcome.rejects.size(), 1U);
  EXPECT_EQ(outcome.rejects[0].reason, "filter '10 / status >= 1': 10 / 0: division by zero");
  EXPECT_EQ(outcome.rejects[0].column, "");
  EXPECT_EQ(outcome.rejects[0].line, 1U);
}

TEST(Filter, WhatCannotBeBound) {
  EXPECT_EQ(filter("status").columns, "'status' is of type integer: a filter wants a condition, as in 'status < 500'");
  EXPECT_EQ(filter("stats < 500").columns, "unknown column 'stats' at character 1 (did you mean 'status'?)");
  EXPECT_EQ(filter("status < 'abc'").columns, "status < 'abc': integer and text cannot be compared");
}

TEST(Derive, AddsColumns) {
  const Outcome outcome = derive({entry("class", "status / 7"), entry("host", "lower(addr) || '!'"),
                                  entry("late", "seconds > 4"), entry("hour", "hour(time)")},
                                 "Asia/Kolkata");
  EXPECT_EQ(outcome.columns,
            "time:time addr:text status:integer bytes:text seconds:real raw_log:text class:integer host:text "
            "late:boolean hour:text");
  ASSERT_EQ(outcome.batch.rows(), 20U);
  EXPECT_EQ(outcome.batch.integer(6, 15), 2);
  EXPECT_TRUE(outcome.batch.is_null(7, 15));
  EXPECT_EQ(outcome.batch.text(7, 16), "host16!");
  EXPECT_EQ(outcome.batch.text(1, 16), "Host16");
  EXPECT_EQ(outcome.batch.cell(8, 8), 0U);
  EXPECT_EQ(outcome.batch.cell(8, 9), 1U);
  EXPECT_EQ(outcome.batch.text(9, 2), "1970-01-01 07");
}

TEST(Derive, ARowIsRejectedOnce) {
  const Outcome outcome =
      derive({entry("a", "10 / (status - 3)"), entry("b", "10 % (status - 3)"), entry("c", "CAST(bytes AS integer)")});
  EXPECT_EQ(outcome.batch.rows(), 15U);
  ASSERT_EQ(outcome.rejects.size(), 5U);
  EXPECT_EQ(outcome.rejects[0].line, 4U);
  EXPECT_EQ(outcome.rejects[0].column, "a");
  EXPECT_EQ(outcome.rejects[0].reason, "'10 / (status - 3)': 10 / 0: division by zero");
  EXPECT_EQ(outcome.rejects[1].line, 1U);
  EXPECT_EQ(outcome.rejects[1].column, "c");
  EXPECT_EQ(outcome.rejects[1].reason, "'CAST(bytes AS integer)': '-' is not an integer");
}

TEST(Derive, WhatCannotBeBound) {
  EXPECT_EQ(derive({entry("Status", "1")}).columns,
            "there is a column 'status' already: take another name, or rename or drop that one before [name]");
  EXPECT_EQ(derive({entry("x", "1"), entry("X", "2")}).columns,
            "there is a column 'x' already: take another name, or rename or drop that one before [name]");
  EXPECT_EQ(derive({entry("x", "1"), entry("y", "x + 1")}).columns,
            "unknown column 'x' at character 1 (there are: time, addr, status, bytes, seconds, raw_log)");
  EXPECT_EQ(derive({entry("x", "raw_log")}).columns,
            "raw_log: this column holds raw bytes: it can be compared and searched, but nothing can be made of it");
  EXPECT_EQ(derive({entry("x", "1 +")}).columns,
            "expected a value, a column or a function at character 4, where the expression ends");
}

TEST(Derive, ASecretIsNotShown) {
  Value secret = Value::of("stats = 'hunter2'");
  secret.written = "${env:WHERE}";
  const Outcome outcome = outcome_of(make_filter({secret}, blame));
  EXPECT_EQ(outcome.columns, "'${env:WHERE}' does not fit the columns");
}

TEST(Cast, ChangesTypes) {
  const Outcome outcome = outcome_of(make_cast_transform(
      {entry("bytes", "integer"), entry("status", "text"), entry("seconds", "text"), entry("time", "integer")}, blame));
  EXPECT_EQ(outcome.columns, "time:integer addr:text status:text bytes:integer seconds:text raw_log:text");
  ASSERT_EQ(outcome.batch.rows(), 16U);
  EXPECT_EQ(outcome.batch.integer(3, 0), 100);
  EXPECT_EQ(outcome.batch.text(2, 5), "7");
  EXPECT_EQ(outcome.batch.text(4, 5), "3.5");
  EXPECT_EQ(outcome.batch.integer(0, 5), 7 * 3600);
  ASSERT_EQ(outcome.rejects.size(), 4U);
  EXPECT_EQ(outcome.rejects[3].column, "bytes");
  EXPECT_EQ(outcome.rejects[3].reason, "'-' is not an integer");
  EXPECT_EQ(outcome.rejects[3].line, 16U);
}

TEST(Cast, WhatCannotBeBound) {
  const auto message = [](const std::string& column, const std::string& type) {
    return outcome_of(make_cast_transform({entry(column, type)}, blame)).columns;
  };
  EXPECT_EQ(message("statsu", "text"), "unknown column 'statsu' (did you mean 'status'?) [name]");
  EXPECT_EQ(message("time", "boolean"), "column time: time cannot become boolean");
  EXPECT_EQ(
      message("raw_log", "integer"),
      "column raw_log: this column holds raw bytes: it can be compared and searched, but nothing can be made of it");
  EXPECT_EQ(message("status", "integer"), columns_of(*log_schema()));
}

TEST(Rename, GivesOtherNames) {
  const Outcome outcome =
      outcome_of(make_rename({entry("addr", "status"), entry("status", "addr"), entry("bytes", "Bytes")}, blame));
  EXPECT_EQ(outcome.columns, "time:time status:text addr:integer Bytes:text seconds:real raw_log:text");
  EXPECT_EQ(outcome.batch.text(1, 1), "Host1");
  EXPECT_EQ(outcome.batch.integer(2, 1), 1);
}

TEST(Rename, WhatCannotBeBound) {
  const auto message = [](const std::string& column, const std::string& name) {
    return outcome_of(make_rename({entry(column, name)}, blame)).columns;
  };
  EXPECT_EQ(message("addr", "STATUS"), "two columns would have the name 'STATUS'");
  EXPECT_EQ(message("address", "x"),
            "unknown column 'address' (there are: time, addr, status, bytes, seconds, raw_log) [name]");
}

TEST(Drop, LeavesColumnsOut) {
  const Outcome outcome = outcome_of(make_drop({Value::of("raw_log"), Value::of("time"), Value::of("time")}, blame));
  EXPECT_EQ(outcome.columns, "addr:text status:integer bytes:text seconds:real");
  EXPECT_EQ(outcome.batch.text(0, 1), "Host1");
  EXPECT_EQ(outcome.batch.raw(1), "raw 1");
  EXPECT_EQ(outcome_of(make_drop({Value::of("rawlog")}, blame)).columns,
            "unknown column 'rawlog' (did you mean 'raw_log'?)");
  std::vector<Value> all;
  const SchemaPtr schema = log_schema();
  for (const Field& field : schema->fields) all.push_back(Value::of(field.name));
  EXPECT_EQ(outcome_of(make_drop(all, blame)).columns, "no column would be left");
}

TEST(Transforms, AreAppliedBySeveralThreadsAtOnce) {
  auto transform = make_derive({{entry("day", "day(time)"), entry("agent", "browser(addr)")}}, blame);
  ASSERT_TRUE(transform->bind(log_schema()).ok());
  std::vector<std::thread> threads;
  for (size_t n = 0; n < 4; ++n) {
    threads.emplace_back([&, n] {
      for (size_t rows = 1; rows < 60; ++rows) {
        RecordBatch batch = log_batch(rows * 20 + n);
        Rejects rejects;
        uint64_t filtered = 0;
        transform->apply(batch, rejects, filtered);
        const size_t last = batch.rows() - 1;
        EXPECT_EQ(batch.text(6, last), format_day(static_cast<int64_t>(last) / 24));
        EXPECT_EQ(batch.text(7, last), "Other");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace leat
