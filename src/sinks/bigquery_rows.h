#pragma once

// Rows and columns as BigQuery's load jobs read them: docs/formats/bigquery-sink.md, "What is where". Pure; any thread.

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "data/record_batch.h"
#include "data/schema.h"

namespace leat {

// The number of a row in its segment: a column of the tables where rows are staged.
constexpr std::string_view kBigQueryLine = "_line";

class BigQueryRows {
 public:
  // bad_config: a name that cannot be one of BigQuery's, or two that become the same.
  static Result<std::unique_ptr<BigQueryRows>> make(const Schema& schema);

  // "fields":[…] of the table, with _part, _offset and _segment.
  [[nodiscard]] const std::string& fields_json() const { return fields_json_; }

  // Rows [first, first + count) at the end of `out`, a line of JSON each; NULLs are absent. `line`: the number of the
  // first of them in the segment, where rows are staged; 0: they are not. bad_data: BigQuery has no such value; nothing
  // was added.
  Status append(std::string& out, const RecordBatch& batch, size_t first, size_t count, uint64_t segment,
                uint64_t line = 0) const;

 private:
  Status append_cell(std::string& out, const RecordBatch& batch, size_t column, size_t row) const;

  std::vector<Field> fields_;
  std::vector<std::string> keys_;  // of each column: "name": with its quotes and colon
  std::string fields_json_;
};

// A name of a column as BigQuery takes it: letters, digits and '_', no digit in front, at most 300; empty: nothing is
// left of it.
std::string bigquery_name(std::string_view name);

}  // namespace leat
