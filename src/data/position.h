#pragma once

// How far a source has been taken, and the proof of it. Plain values; any thread.
//
// A part is one thing that is read from its beginning to its end: a file generation, an endpoint's window. Its name
// is given by the source, never changes and is never used again for other content. Offsets count from 0 within it
// (bytes for files).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace leat {

struct Position {
  std::string part;
  std::string origin;   // what a person calls the place now: a path, a URL
  uint64_t offset = 0;  // first byte not yet taken
  std::string token;    // whatever else the source needs to go on from there; opaque to everyone else
  friend bool operator==(const Position&, const Position&) = default;
};

using Positions = std::vector<Position>;

// What became of the records of a stretch of a part.
struct Counts {
  uint64_t inserted = 0;
  uint64_t updated = 0;   // took over the row with its key
  uint64_t ignored = 0;   // the row with its key wins
  uint64_t filtered = 0;  // by a transform
  uint64_t rejected = 0;
  uint64_t digest = 0;  // sum modulo 2^64 of mix64(offset) over the inserted and updated rows and the rejects
  void add(const Counts& other) {
    inserted += other.inserted;
    updated += other.updated;
    ignored += other.ignored;
    filtered += other.filtered;
    rejected += other.rejected;
    digest += other.digest;
  }
  // Modulo 2^64: Counts().without(x) added is x taken away.
  [[nodiscard]] Counts without(const Counts& other) const {
    return {.inserted = inserted - other.inserted,
            .updated = updated - other.updated,
            .ignored = ignored - other.ignored,
            .filtered = filtered - other.filtered,
            .rejected = rejected - other.rejected,
            .digest = digest - other.digest};
  }
  [[nodiscard]] uint64_t records() const { return inserted + updated + ignored + filtered + rejected; }
  friend bool operator==(const Counts&, const Counts&) = default;
};

// Of a source that pulls everything anew now and then (docs/formats/http-source.md, "Full pulls"): behind `ends` a row
// that nothing has brought since `begins` is gone at the source.
enum class FullPull : uint8_t { none, begins, ends };

// [start, end) of `part` and what became of the records in it. An empty one that is fresh or has void_from or full
// says just that.
struct Range {
  std::string part;
  uint64_t start = 0;
  uint64_t end = 0;
  Counts counts;
  bool provisional = false;  // a last record without its end: the position stays at `start`
  bool gap = false;          // bytes known to have been lost: no records, Counts all 0
  bool fresh = false;        // Chunk::fresh: kept apart from what came before it, until the next fresh one of the part
  // Chunk::void_from: what the part has from there to `start` is undone. Such a range is fresh, too.
  std::optional<uint64_t> void_from = {};
  FullPull full = FullPull::none;  // with write = merge: see Sink::commit
};

using Ranges = std::vector<Range>;

}  // namespace leat
