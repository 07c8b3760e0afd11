#pragma once

// Aggregates made again from their rows, and parts that go back to their beginning (docs/formats/database.md). Used by
// the store; one thread. Each is one transaction on the connection it is given, in which the pipeline is claimed.

#include <vector>

#include "db/duckdb.h"
#include "flow/store.h"

namespace leat {

// As Store::rebuild and Store::rewind say.
Result<std::vector<Rebuilt>> rebuild_duckdb(const DuckDb& db, const RebuildRequest& request,
                                            const StoreProgress& progress);
Result<Undone> rewind_duckdb(const DuckDb& db, const RewindRequest& request);

}  // namespace leat
