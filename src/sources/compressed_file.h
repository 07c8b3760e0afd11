#pragma once

// The plain bytes of a compressed file as an os::File: read forwards at the speed of its decompressor; going back by
// more than a little begins anew at the start. info() is that of the compressed file with the size of the plain bytes,
// which is not known before is_whole(): UINT64_MAX until then. One thread.

#include <memory>
#include <string>

#include "base/status.h"
#include "os/file_system.h"
#include "sources/decompressor.h"

namespace leat {

class CompressedFile : public os::File {
 public:
  // Reads it to its end. False: it ends before its last member does, so it is still being written.
  // retry: its bytes are damaged, or it cannot be read.
  virtual Result<bool> is_whole() = 0;
};

// `path`: for messages.
std::unique_ptr<CompressedFile> open_compressed(std::unique_ptr<os::File> compressed, Compression compression,
                                                const std::string& path);

}  // namespace leat
