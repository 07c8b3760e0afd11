#pragma once

// Rows that another pipeline has written, each once, in the order of its commits: docs/formats/table-source.md. Who
// calls what: flow/source.h.

#include <cstdint>
#include <functional>
#include <memory>

#include "flow/note.h"
#include "flow/source.h"
#include "os/clock.h"
#include "os/file_system.h"
#include "sources/upstream_table.h"

namespace leat {

struct TableOptions {
  UpstreamOptions upstream;
  uint64_t chunk_bytes = 256 * 1024;  // aimed at; a chunk holds at least one row
  uint64_t poll_ms = 100;             // between two looks at a database that has nothing new
  // With SourceRequest::once: somebody of this run still fills the table. Empty: nobody does.
  std::function<bool()> more_may_come;
};

std::unique_ptr<Source> make_table_source(TableOptions options, os::FileSystem& files, os::Clock& clock, Note note);

}  // namespace leat
