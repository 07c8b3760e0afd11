#pragma once

// Which index leads to what a ScanQuery asks for: the same for every database whose indexes are ordered by their
// columns. Pure; any thread.

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "flow/scan.h"

namespace leat {

struct StoredIndex {
  std::string name;                  // empty: the table itself, by row number
  std::vector<std::string> columns;  // the row number, which every index ends with, not among them
};

struct IndexedTable {
  StoredTable shown;
  std::string row_number;            // its column: "_row", "rowid"
  bool says_nulls_first = false;     // an index has them there only when it is made so
  std::vector<StoredIndex> indexes;  // first the one whose order is the table's own
};

// How a query is read. Rows that have `equal` stand together in the index, in the order of `keys`, of which the first
// may be bounded; the rest of the filters is looked at row by row. All but `index` and `keys` index the query's
// filters.
struct ScanPath {
  StoredIndex index;
  std::vector<size_t> equal;
  std::vector<size_t> bounds;
  std::vector<size_t> rest;
  std::vector<std::string> keys;  // ends with the row number
};

// The index that serves most of the filters, and the order; the first of several. Nothing: there is none.
std::optional<ScanPath> choose_path(const ScanQuery& query, const IndexedTable& table);

// The path of a query whose columns are all there. bad_config: there is no such column, or no index leads there (with
// how to make it). bad_data: `after` is not a key of this query.
Result<ScanPath> find_path(const ScanQuery& query, const IndexedTable& table, const std::optional<ScanKey>& after);

// "<=" of less_or_equal.
const char* sign_of(Compare compare);
// Whether rows begin at it, in ascending order.
bool is_lower_bound(Compare compare);
// Null: there is no such column.
const Field* find_field(const IndexedTable& table, const std::string& name);

}  // namespace leat
