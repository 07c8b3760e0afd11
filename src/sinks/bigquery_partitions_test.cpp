#include "sinks/bigquery_partitions.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

constexpr int64_t kDay = 86'400'000'000;

TEST(BigQueryPartitions, AreNamedByTheirBeginning) {
  const int64_t at = 20'484 * kDay + 15 * 3'600'000'000;  // 2026-01-31 15:00
  EXPECT_EQ(partition_id(at, {"at", "HOUR"}), "2026013115");
  EXPECT_EQ(partition_id(at, {"at", "DAY"}), "20260131");
  EXPECT_EQ(partition_id(at, {"at", "MONTH"}), "202601");
  EXPECT_EQ(partition_id(at, {"at", "YEAR"}), "2026");
  EXPECT_EQ(partition_id(-62'135'596'800'000'000, {"at", "DAY"}), "00010101");
}

TEST(BigQueryPartitions, AreAskedForAndChosen) {
  EXPECT_EQ(partitions_query("p.d.t", {"at", "DAY"}),
            "SELECT UNIX_MICROS(TIMESTAMP_TRUNC(`at`, DAY)) AS begins FROM `p.d.t` GROUP BY begins ORDER BY begins");
  EXPECT_EQ(is_in_partitions({0, kDay}, {"at", "DAY"}),
            "TIMESTAMP_TRUNC(`at`, DAY) IN (TIMESTAMP '1970-01-01 00:00:00+00:00', TIMESTAMP '1970-01-02 "
            "00:00:00+00:00')");
  EXPECT_EQ(is_in_partitions({}, {"at", "DAY"}), "FALSE");
}

}  // namespace
}  // namespace leat
