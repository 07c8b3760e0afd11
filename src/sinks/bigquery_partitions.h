#pragma once

// Partitions of a table by time, for a pull that takes the place of those that it has rows in
// (docs/formats/bigquery-sink.md, "Replace"). Names are BigQuery's. Pure; any thread.

#include <cstdint>
#include <string>
#include <vector>

namespace leat {

struct BigQueryPartitioning {
  std::string column;  // of type TIMESTAMP; empty: the table has none
  std::string unit;    // DAY, HOUR, MONTH, YEAR
};

// When partitions begin, in microseconds since 1970.
using BigQueryPartitions = std::vector<int64_t>;

// As it stands behind a table's name and '$': "20260131", with the hour behind it, or without the day and the month.
std::string partition_id(int64_t begins_micros, const BigQueryPartitioning& by);

// SELECT of when the partitions begin that `table` has rows in, as UNIX_MICROS, in their order.
std::string partitions_query(const std::string& table, const BigQueryPartitioning& by);

// A condition: a row is in one of them.
std::string is_in_partitions(const BigQueryPartitions& partitions, const BigQueryPartitioning& by);

// A moment as SQL has it.
std::string bigquery_timestamp(int64_t micros);

}  // namespace leat
