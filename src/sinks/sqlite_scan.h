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
#include "sinks/scan_path.h"

namespace leat {

// Within a transaction: makes those that are missing, which reads each table once. bad_config: there is no such column.
Status make_sqlite_indexes(const SqliteDatabase& db, const std::vector<TableIndex>& indexes, const Note& note);

// What is there to be read. Looks again only where the database's schema has changed.
class SqliteTables {
 public:
  explicit SqliteTables(const SqliteDatabase& db) : db_(db) {}
  // By name. Valid until the next call.
  Result<const std::vector<IndexedTable>*> all();
  // bad_config: there is no such table.
  Result<const IndexedTable*> find(const std::string& name);

 private:
  const SqliteDatabase& db_;
  int64_t version_ = -1;
  std::vector<IndexedTable> tables_;
};

// Store::scan() of one of them.
Result<ScanPiece> scan_sqlite(const SqliteDatabase& db, const IndexedTable& table, const ScanQuery& query,
                              const std::optional<ScanKey>& after, const TakeRow& take);

}  // namespace leat
