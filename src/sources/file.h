#pragma once

// Files that are finished, that grow, and that are rotated: docs/formats/file-source.md has the states and the
// function on each arrow. Who calls what: flow/source.h.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flow/note.h"
#include "flow/source.h"
#include "os/clock.h"
#include "os/file_system.h"

namespace leat {

struct FileOptions {
  std::vector<std::string> include;              // absolute paths or globs
  uint64_t chunk_bytes = 256 * 1024;             // aimed at; a chunk holds at least one record
  uint64_t max_record_bytes = 16 * 1024 * 1024;  // a longer record is a reject
  uint64_t poll_ms = 200;                        // between two looks at a file that has nothing new
  uint64_t linger_ms = 600'000;                  // how long a renamed file is still watched after the new one has begun
  size_t most_open = 256;  // files open at a time, and a quarter of those that the process may have
};

std::unique_ptr<Source> make_file_source(FileOptions options, os::FileSystem& files, os::Clock& clock, Note note);

}  // namespace leat
