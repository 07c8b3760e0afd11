#pragma once

// What a source hands to a decoder. Plain value, moved from thread to thread.

#include <cstdint>
#include <optional>
#include <string>

#include "base/hash.h"
#include "data/position.h"

namespace leat {

// Whole records only, all of one part. Self-contained: decoding it needs nothing but the chunk.
struct Chunk {
  std::string bytes;
  uint64_t start = 0;       // offset in the part of bytes[0]
  uint64_t base = 0;        // offset in the part at which the document begins that `bytes` are of: a page; <= start
  uint64_t first_line = 1;  // 1-based number of the first line of `bytes` in its part
  std::string
      context;  // Cutter::save() as it stood before bytes[0]; where that was "" (start == base), as it stands after it
  std::string parent;      // cells (data/row_line.h) that each record gets from the row it was asked for by
  Position end;            // the position after this chunk; end.part and end.origin name the part
  bool truncated = false;  // `bytes` is the beginning of one over-long record: it becomes one reject
  uint64_t skipped = 0;    // bytes of that record after `bytes`, a newline at its end not counted
  Hash128 whole_hash;      // of that record, without such a newline
  uint64_t gap_bytes = 0;  // bytes from `start` on that are known to be lost; `bytes` is empty then
  bool fresh = false;      // what comes from `start` on may be void later: it is kept apart from what came before
  std::optional<uint64_t> void_from;  // where the last fresh chunk of this part began: from there to `start` all is
                                      // void, as the same records come again. They are undone with this chunk's commit;
                                      // where records have a key they stay, and the same ones take their places
  FullPull full = FullPull::none;     // begins: what comes before `bytes`; ends: what comes behind them
  std::string refused;       // why what was asked for is given up: all of this is one reject, `bytes` its evidence
  bool provisional = false;  // the last record had no end yet; end.offset stays before it (docs/formats/file-source.md)
};

}  // namespace leat
