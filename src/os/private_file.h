#pragma once

// Files that only their owner may read. Any thread.

#include <string>

#include "base/status.h"

namespace leat::os {

// Makes an empty file with mode 0600 unless there is one. bad_config: it cannot be made; the message says why.
Status make_private_file(const std::string& path);

// From now on whatever this process makes may be read by its owner only, also by libraries that have no option for it.
void make_files_private();

}  // namespace leat::os
