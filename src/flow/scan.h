#pragma once

// Reading the tables of a Store piece by piece: what there is, what is asked for, and where a reading stands. A piece
// is one short read of the target that leaves nothing open; the next one goes on behind the last row seen. Plain
// values.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "data/schema.h"
#include "flow/results.h"

namespace leat {

// A cell of a table: NULL, a number, a text.
using StoredValue = std::variant<std::monostate, int64_t, double, std::string>;

struct TableColumn {
  Field field;
  bool shown = true;  // false: only when it is asked for by name: the raw record, the row's number and origin
};

// The table of a pipeline or of an aggregate.
struct StoredTable {
  std::string name;
  std::string pipeline;  // that fills it
  std::vector<TableColumn> columns;
};

enum class Compare : uint8_t { equal, less, less_or_equal, greater, greater_or_equal };

// A NULL fits no filter. `value` is of the column's type; a time is text as it is stored (base/time.h, format_time()).
struct ScanFilter {
  std::string column;
  Compare compare = Compare::equal;
  StoredValue value;
};

struct ScanQuery {
  std::string table;
  std::vector<std::string> columns;  // those that are wanted, in this order
  std::vector<ScanFilter> filters;   // all of them hold
  // Empty: the order of the rows; of an aggregate that of its keys; with a range that of the range's column.
  std::string order;
  bool descending = false;
  int64_t last_row = INT64_MAX;  // rows with a larger number are passed over: those added since the reading began
};

// Where a reading stands: behind the row with these values. Made by scan(), which checks those it is given.
using ScanKey = std::vector<StoredValue>;

struct ScanPiece {
  std::optional<ScanKey> at;  // behind the last row looked at; nothing: no row was, go on where this piece began
  bool ended = false;         // there is nothing more
};

// One row, a cell for each column of the query; texts are valid during the call. False: enough for this piece.
using TakeRow = std::function<bool(std::span<const ResultCell> row)>;

}  // namespace leat
