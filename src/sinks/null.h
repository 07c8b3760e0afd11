#pragma once

// Takes everything and keeps nothing but the aggregates, in memory, until the run ends: for trying and measuring.
// Who calls what: flow/sink.h.
//
// How it holds the contract without a place to store anything:
// - Positions are kept in memory: opened again in the same process with nothing uncommitted, it goes on where it was.
// - An aggregate cannot take back rows that were written and not committed. rollback() then forgets everything, and
//   open() says that no part has been read: the whole run begins again.
// - A provisional record is held aside until its part goes on behind it, or until results().
// - It cannot go on in another process: each run begins with nothing.

#include <cstdint>
#include <memory>
#include <string>

#include "flow/note.h"
#include "flow/sink.h"

namespace leat {

struct NullOptions {
  // Of what the aggregates have allocated, looked at after each write. Beyond it write() is fatal and says which
  // aggregate is large and what to do. While a table doubles, half as much again is used for a moment.
  uint64_t max_memory_bytes = 256ULL * 1024 * 1024;
};

std::unique_ptr<Sink> make_null_sink(const NullOptions& options, Note note);

}  // namespace leat
