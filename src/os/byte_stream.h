#pragma once

// Bytes that come once, in order: standard input, a pipe. One thread.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/status.h"

namespace leat::os {

class ByteStream {
 public:
  struct Read {
    size_t bytes = 0;    // 0: nothing came within the time, or the end
    bool ended = false;  // nothing more will ever come
  };

  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;
  // Waits at most `wait_ms` for the first byte. fatal: it cannot be read.
  virtual Result<Read> read(char* to, size_t size, uint64_t wait_ms) = 0;
};

// The process's standard input, which stays open.
std::unique_ptr<ByteStream> standard_input();

}  // namespace leat::os
