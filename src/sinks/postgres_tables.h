#pragma once

// What there is to be read in a PostgreSQL database, and reading it piece by piece (flow/scan.h). Owned by the store;
// one thread.

#include <optional>
#include <string>
#include <vector>

#include "db/postgres.h"
#include "flow/note.h"
#include "flow/scan.h"
#include "flow/sink.h"
#include "sinks/scan_path.h"

namespace leat {

// Within a transaction: makes those that are missing, which reads each table once. bad_config: there is no such column.
Status make_postgres_indexes(const PostgresDatabase& db, const std::vector<TableIndex>& indexes, const Note& note);

// The tables that others may read, by name, with their indexes.
Result<std::vector<IndexedTable>> read_postgres_tables(const PostgresDatabase& db);

// A cell of any type.
StoredValue postgres_value(const PostgresRows& row, int at);

// Store::scan() of one of them.
Result<ScanPiece> scan_postgres(const PostgresDatabase& db, const IndexedTable& table, const ScanQuery& query,
                                const std::optional<ScanKey>& after, const TakeRow& take);

}  // namespace leat
