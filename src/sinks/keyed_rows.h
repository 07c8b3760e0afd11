#pragma once

// What sinks have in common where a table has a key: write modes ignore and merge (docs/formats/database.md, "Write
// modes"). No state; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/record_batch.h"
#include "data/reject.h"
#include "flow/sink.h"

namespace leat {

// Numbers of columns of a schema.
struct KeyColumns {
  std::vector<size_t> key;
  std::optional<size_t> newest;
};
// Of `plan`. bad_config: none is named, one is not there, that of `newest` has no order.
Result<KeyColumns> find_key(const std::string& where, const SinkPlan& plan);
// bad_config: the table has another key, `there`. `other`: what else could be named for a new one: "database".
Status check_key(const std::string& where, const SinkPlan& plan, const std::vector<std::string>& there,
                 const char* other);
// That rows with the same key are there, though leat has written one for each.
Status doubled_keys(const std::string& where, const SinkPlan& plan);

// The column of the key in which this row has no value: NULL, or a real that is not a number.
std::optional<size_t> missing_key(const RecordBatch& batch, const std::vector<size_t>& key, size_t r);
// What becomes of such a row. `why`: the column has to have a value.
Reject reject_without_key(const RecordBatch& batch, size_t column, size_t r,
                          std::string_view why = "the column belongs to the key");

// Where the content of a row of the table is from.
struct KeyedPlace {
  int64_t row = 0;
  int64_t part = 0;
  uint64_t offset = 0;
};
// What the table knows of a record, one of many that are written at once, numbered from 0.
struct StagedRow {
  size_t first = 0;               // the first one with its key: this one, or one before it
  std::optional<KeyedPlace> was;  // the row of the table that has its key
  bool is_newest = true;          // of those with its key up to here, the table's included
};
// Record `staged` becomes row `row` of the table; with merge under `revision`, in place of what the row was.
struct KeyedPut {
  size_t staged = 0;
  int64_t row = 0;
  int64_t revision = 0;
};
struct KeyedOutcome {
  std::vector<KeyedPut> puts;                       // one for each key that changes
  std::vector<int64_t> taken_rows;                  // of the table, that are taken over
  std::vector<int64_t> seen_rows;                   // whose key a record had that is ignored
  std::vector<std::pair<int64_t, uint64_t>> taken;  // part and offset of all records that were taken over
  std::optional<int64_t> last_row;                  // of the last put
};
// What becomes of records at `offsets` of `part`; counts them into `written`, draws their numbers from `next_row`.
KeyedOutcome decide_keyed(const std::vector<StagedRow>& staged, const std::vector<uint64_t>& offsets, int64_t part,
                          bool merge, int64_t& next_row, Written& written);

}  // namespace leat
