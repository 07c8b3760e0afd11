#include "sinks/bigquery_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/time.h"

namespace leat {
namespace {

SchemaPtr all_types() {
  return std::make_shared<const Schema>(Schema{{{"ok", Type::boolean},
                                                {"number", Type::integer},
                                                {"real", Type::real},
                                                {"text", Type::text},
                                                {"at", Type::time},
                                                {"more", Type::json},
                                                {"raw", Type::text, true}}});
}

TEST(BigQueryRows, EveryTypeAtItsEdges) {
  const SchemaPtr schema = all_types();
  const auto rows = BigQueryRows::make(*schema);
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  RecordBatch batch(schema);
  batch.part = "web \"1\"";
  for (uint64_t row = 0; row < 3; ++row) batch.add_row({.offset = row * 100, .line = 0, .raw = 0});
  batch.set_integer(0, 0, 1);
  batch.set_integer(1, 0, std::numeric_limits<int64_t>::min());
  batch.set_real(2, 0, -std::numeric_limits<double>::infinity());
  batch.set_new_text(3, 0, "tab\tquote\" größe");
  batch.set_integer(4, 0, days_from_civil(1, 1, 1) * kSecondsPerDay * kMicrosPerSecond);
  batch.set_new_text(5, 0, "{\n \"a\": \"b\\n\"\r\n}");
  batch.set_new_text(6, 0, std::string_view("\x00\xFF", 2));
  batch.set_integer(0, 1, 0);
  batch.set_integer(1, 1, 9'007'199'254'740'992);
  batch.set_real(2, 1, 0.1);
  batch.set_new_text(3, 1, "");
  batch.set_integer(4, 1, days_from_civil(10'000, 1, 1) * kSecondsPerDay * kMicrosPerSecond - 1);
  std::string out;
  ASSERT_TRUE((*rows)->append(out, batch, 0, 3, 7).ok());
  EXPECT_EQ(
      out,
      R"({"ok":true,"number":"-9223372036854775808","real":"-Infinity","text":"tab\tquote\" größe",)"
      R"("at":"0001-01-01 00:00:00","more":{  "a": "b\n"  },"raw":"AP8=","_part":"web \"1\"","_offset":0,"_segment":7})"
      "\n"
      R"({"ok":false,"number":9007199254740992,"real":0.1,"text":"","at":"9999-12-31 23:59:59.999999",)"
      R"("_part":"web \"1\"","_offset":100,"_segment":7})"
      "\n"
      R"({"_part":"web \"1\"","_offset":200,"_segment":7})"
      "\n");
}

TEST(BigQueryRows, WhatItHasNoValueForLeavesNothing) {
  const SchemaPtr schema = all_types();
  const auto rows = *BigQueryRows::make(*schema);
  RecordBatch batch(schema);
  batch.add_row({});
  batch.add_row({});
  batch.set_integer(4, 1, days_from_civil(10'000, 1, 1) * kSecondsPerDay * kMicrosPerSecond);
  std::string out = "before";
  const Status status = rows->append(out, batch, 0, 2, 1);
  EXPECT_EQ(status.kind(), Kind::bad_data);
  EXPECT_EQ(status.message(), "column 'at': BigQuery's times are of the years 1 to 9999, not 10000-01-01 00:00:00");
  EXPECT_EQ(out, "before");
}

TEST(BigQueryRows, Fields) {
  const auto rows =
      *BigQueryRows::make(Schema{{{"größe", Type::real}, {"2nd", Type::json}, {"raw", Type::text, true}}});
  EXPECT_EQ(
      rows->fields_json(),
      R"("fields":[{"name":"gr____e","type":"FLOAT64","description":"from größe"},)"
      R"({"name":"_2nd","type":"JSON","description":"from 2nd"},{"name":"raw","type":"BYTES"},)"
      R"({"name":"_part","type":"STRING"},{"name":"_offset","type":"INT64"},{"name":"_segment","type":"INT64"}])");
}

TEST(BigQueryRows, NamesThatCannotBe) {
  const auto problem = [](const std::vector<Field>& fields) {
    return BigQueryRows::make(Schema{fields}).status().message();
  };
  EXPECT_EQ(problem({{"…", Type::text}}),
            "column '…': BigQuery has no such name (letters, digits and '_', at most 300, and no prefix of its own, as "
            "_PARTITION); rename it");
  EXPECT_EQ(problem({{"_partitiontime", Type::time}}).substr(0, 50),
            "column '_partitiontime': BigQuery has no such name");
  EXPECT_EQ(
      problem({{"a-b", Type::text}, {"A.B", Type::text}}),
      "column 'A.B': BigQuery's name for it, 'A_B', is taken by another column (upper and lower case are the same "
      "there); rename one of them");
  EXPECT_EQ(problem({{"_part", Type::text}}).substr(0, 48), "column '_part': BigQuery's name for it, '_part',");
}

}  // namespace
}  // namespace leat
