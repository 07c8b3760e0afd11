#pragma once

// Aggregates made again from their rows, and parts that go back to their beginning (docs/formats/database.md). Used by
// the store; one thread. Each is one transaction on the connection it is given, in which the pipeline is claimed.

#include <vector>

#include "db/postgres.h"
#include "flow/store.h"

namespace leat {

// As Store::rebuild and Store::rewind say.
Result<std::vector<Rebuilt>> rebuild_postgres(const PostgresDatabase& db, const RebuildRequest& request,
                                              const StoreProgress& progress);
Result<Undone> rewind_postgres(const PostgresDatabase& db, const RewindRequest& request);

}  // namespace leat
