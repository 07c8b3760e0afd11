#pragma once

// Tables read piece by piece, each piece one SELECT that an index serves (flow/scan.h). Owned by the store; one thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/sqlite.h"
#include "flow/note.h"
#include "flow/scan.h"
#include "flow/sink.h"

namespace leat {

struct SqliteIndex {
  std::string name;                  // empty: the table itself, by row number
  std::vector<std::string> columns;  // the row number, which every index ends with, not among them
};

struct SqliteTable {
  StoredTable shown;
  std::string row_number;            // its column: "_row", "rowid"
  std::vector<SqliteIndex> indexes;  // first the one whose order is the table's own
};

// How a query is read. Rows that have `equal` stand together in the index, in the order of `keys`, of which the first
// may be bounded; the rest of the filters is looked at row by row. All but `index` and `keys` index the query's
// filters.
struct ScanPath {
  SqliteIndex index;
  std::vector<size_t> equal;
  std::vector<size_t> bounds;
  std::vector<size_t> rest;
  std::vector<std::string> keys;  // ends with the row number
};

// The index that serves most of the filters, and the order; the first of several. Nothing: there is none.
std::optional<ScanPath> choose_path(const ScanQuery& query, const SqliteTable& table);

// Within a transaction: makes those that are missing, which reads each table once. bad_config: there is no such column.
Status make_sqlite_indexes(const SqliteDatabase& db, const std::vector<TableIndex>& indexes, const Note& note);

// What is there to be read. Looks again only where the database's schema has changed.
class SqliteTables {
 public:
  explicit SqliteTables(const SqliteDatabase& db) : db_(db) {}
  // By name. Valid until the next call.
  Result<const std::vector<SqliteTable>*> all();
  // bad_config: there is no such table.
  Result<const SqliteTable*> find(const std::string& name);

 private:
  const SqliteDatabase& db_;
  int64_t version_ = -1;
  std::vector<SqliteTable> tables_;
};

// Store::scan() of one of them.
Result<ScanPiece> scan_sqlite(const SqliteDatabase& db, const SqliteTable& table, const ScanQuery& query,
                              const std::optional<ScanKey>& after, const TakeRow& take);

}  // namespace leat
