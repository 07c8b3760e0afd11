#pragma once

// The uncompressed bytes of a gzip file (RFC 1952, one or more members) as an os::File: read forwards at the speed of
// isa-l; going back begins anew at the start. info() is that of the compressed file, with `size` of the uncompressed
// bytes. One thread.

#include <memory>
#include <string>

#include "base/status.h"
#include "os/file_system.h"

namespace leat {

bool is_gzip_name(std::string_view path);

// Reads it once to its end, to know its size and that it is whole. A null pointer: it ends before its last member does,
// so it is still being written. retry: its bytes are damaged, or it cannot be read.
Result<std::unique_ptr<os::File>> open_gzip(std::unique_ptr<os::File> compressed, const std::string& path);

}  // namespace leat
