#pragma once

// Parts of a pipeline go back to their beginning (docs/formats/database.md, "Going back"). Used by the store; one
// thread.

#include <string>

#include "base/status.h"
#include "flow/store.h"

namespace leat {

// On a connection of its own, in one transaction; as Store::rewind says.
Result<Undone> rewind_sqlite(const std::string& path, const RewindRequest& request);

}  // namespace leat
