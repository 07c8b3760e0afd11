#pragma once

// Aggregates made again from their rows (docs/formats/database.md, "Rebuilding"). Used by the store; one thread.

#include <string>
#include <vector>

#include "base/status.h"
#include "flow/store.h"

namespace leat {

// On a connection of its own, in one transaction; as Store::rebuild says.
Result<std::vector<Rebuilt>> rebuild_sqlite(const std::string& path, const RebuildRequest& request,
                                            const StoreProgress& progress);

}  // namespace leat
