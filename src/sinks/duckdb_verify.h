#pragma once

// The proof that a DuckDB file holds what was committed to it. Used by the store; one thread.

#include "db/duckdb.h"
#include "flow/store.h"

namespace leat {

// As Store::verify says; within a transaction, in which temporary tables are made.
Result<VerifyReport> verify_duckdb(const DuckDb& db, const StoreProgress& progress);

}  // namespace leat
