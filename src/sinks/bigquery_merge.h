#pragma once

// How the rows of a segment come into a table with a key: they are staged in a table of the segment's own, and a MERGE
// takes them from there (docs/formats/bigquery-sink.md, "Write modes"). Names are BigQuery's. Pure; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "flow/sink.h"

namespace leat {

struct BigQueryKey {
  std::vector<std::string> columns;  // empty: the table has none, write = "append"
  std::string newest;                // empty: the later record wins
  bool newest_is_real = false;       // may be NaN, which is older than any number, as NULL is
  bool takes_over = false;           // merge; else ignore
  std::string partition;             // the column that the table is partitioned by, where it belongs to the key
};
// Of a plan; `partition_by`: of the sink, may be empty. bad_config: no key, a column that is not there or that BigQuery
// cannot compare.
Result<BigQueryKey> find_bigquery_key(const SinkPlan& plan, const std::string& partition_by);

// Of a table for rows with these `fields` (BigQueryRows::fields_json()), with _line.
std::string staged_fields(const std::string& fields);

// The first and the last value of the partition column, in microseconds since 1970.
using BigQueryBounds = std::pair<int64_t, int64_t>;
// SELECT of the bounds of what is staged.
std::string bounds_query(const std::string& staged, const BigQueryKey& key);

// Tables as `project.dataset.table`. `bounds`: what the condition is narrowed to, so that other partitions are not
// read.
std::string merge_statement(const std::string& table, const std::string& staged, const std::string& fields,
                            const BigQueryKey& key, const std::optional<BigQueryBounds>& bounds);

// SELECT of the number of keys that more than one row has.
std::string doubled_keys_query(const std::string& table, const std::vector<std::string>& key);

}  // namespace leat
