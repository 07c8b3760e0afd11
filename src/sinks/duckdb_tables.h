#pragma once

// What there is to be read in a DuckDB file, and reading it piece by piece (flow/scan.h). Owned by the store;
// one thread.

#include <optional>
#include <string>
#include <vector>

#include "db/duckdb.h"
#include "flow/scan.h"
#include "sinks/scan_path.h"

namespace leat {

// The tables that others may read, by name, with what they can be read by: DuckDB has no order to keep, and knows
// the smallest and the largest value of each stretch of every column.
Result<std::vector<IndexedTable>> read_duckdb_tables(const DuckDb& db);

// A cell of any type.
StoredValue duckdb_value(const DuckDbRows& row, int at);

// Store::scan() of one of them.
Result<ScanPiece> scan_duckdb(const DuckDb& db, const IndexedTable& table, const ScanQuery& query,
                              const std::optional<ScanKey>& after, const TakeRow& take);

}  // namespace leat
