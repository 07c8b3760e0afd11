#include "sinks/bigquery_partitions.h"

#include <fmt/format.h>

#include "base/time.h"

namespace leat {

std::string partition_id(int64_t begins_micros, const BigQueryPartitioning& by) {
  const std::string time = format_time(begins_micros);  // 2026-01-31 15:…
  std::string id = time.substr(0, 4);
  if (by.unit != "YEAR") id += time.substr(5, 2);
  if (by.unit == "DAY" || by.unit == "HOUR") id += time.substr(8, 2);
  if (by.unit == "HOUR") id += time.substr(11, 2);
  return id;
}

std::string partitions_query(const std::string& table, const BigQueryPartitioning& by) {
  return fmt::format(
      "SELECT UNIX_MICROS(TIMESTAMP_TRUNC(`{}`, {})) AS begins FROM `{}` GROUP BY begins ORDER BY begins", by.column,
      by.unit, table);
}

std::string is_in_partitions(const BigQueryPartitions& partitions, const BigQueryPartitioning& by) {
  if (partitions.empty()) return "FALSE";
  std::string list;
  for (const int64_t begins : partitions) list += (list.empty() ? "" : ", ") + bigquery_timestamp(begins);
  return fmt::format("TIMESTAMP_TRUNC(`{}`, {}) IN ({})", by.column, by.unit, list);
}

std::string bigquery_timestamp(int64_t micros) {
  return fmt::format("TIMESTAMP '{}+00:00'", format_time(micros));
}

}  // namespace leat
