#pragma once

// Where a database that is one file can be. Any thread.

#include <string>

#include "base/status.h"

namespace leat {

// Whether the file is there. bad_config: it is no regular file; it is not there and nothing is to be made
// (`read_only`), or its folder is not there.
Result<bool> check_database_path(const std::string& path, bool read_only);

}  // namespace leat
