#pragma once

// The uncompressed bytes of a gzip file (RFC 1952, one or more members) as an os::File: read forwards at the speed of
// isa-l; going back begins anew at the start. info() is that of the compressed file with the size of the uncompressed
// bytes, which is not known before is_whole(): UINT64_MAX until then. One thread.

#include <memory>
#include <string>

#include "base/status.h"
#include "os/file_system.h"

namespace leat {

class GzipFile : public os::File {
 public:
  // Reads it to its end. False: it ends before its last member does, so it is still being written.
  // retry: its bytes are damaged, or it cannot be read.
  virtual Result<bool> is_whole() = 0;
};

bool is_gzip_name(std::string_view path);
std::unique_ptr<GzipFile> open_gzip(std::unique_ptr<os::File> compressed, const std::string& path);

}  // namespace leat
