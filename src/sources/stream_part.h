#pragma once

// One document whose bytes come once, in order, maybe compressed: they become chunks. For sources that cannot go back:
// standard input is a part of one document, the body of an HTTP answer is a page of one. One thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/status.h"
#include "flow/chunk.h"
#include "flow/cutter.h"
#include "sources/decompressor.h"

namespace leat {

struct StreamRules {
  uint64_t chunk_bytes = 256 * 1024;             // aimed at; a chunk holds at least one record
  uint64_t max_record_bytes = 16 * 1024 * 1024;  // a longer record is a reject
  uint64_t max_body_bytes = UINT64_MAX;          // plain bytes; more are an error
  std::optional<Compression> compression;        // absent: told by the first bytes
};

// What was delivered of a document.
struct Delivered {
  uint64_t lead = 0;   // bytes before its first record, those of them that were delivered
  uint64_t bytes = 0;  // with them
  Hash128 hash;        // of those behind the lead, and of what the records inherit from it (Cutter::inherited())
  uint64_t records = 0;
  Hash128 to_last_record = {};  // as `hash`, without what is behind the last record
};

class StreamPart {
 public:
  // `base`: where in the part the document begins.
  StreamPart(std::string part, std::string origin, std::unique_ptr<Cutter> cutter, const StreamRules& rules,
             uint64_t base = 0);

  // Before all else: so much of the document was delivered by an earlier reading. next() passes over it; its lead may
  // be another one now. When the rest is not the same, changed() holds and nothing is delivered any more.
  void pass_over(const Delivered& before);
  [[nodiscard]] bool changed() const { return changed_; }

  // bad_data: damaged, or more than max_body_bytes.
  Status push(std::string_view bytes);
  // Nothing more comes. bad_data: as of push(), or the compressed bytes are cut off.
  Status end();
  // Whole records; nothing: push more, or, after end(), all is delivered. Kinds as of Cutter::whole(), and of end().
  Result<std::optional<Chunk>> next();

  // With what was passed over; the lead of the earlier reading.
  [[nodiscard]] Delivered delivered() const;
  // Plain bytes that have come and are not delivered.
  [[nodiscard]] std::string_view waiting() const { return buffer_; }

 private:
  struct Piece {
    Chunk chunk;
    bool passed = false;  // delivered before
  };

  Status unpack_first();
  Result<bool> unpack();
  Status add_plain(std::string_view bytes);
  Result<std::optional<Piece>> cut(uint64_t to_pass);
  [[nodiscard]] bool is_stuck(uint64_t to_pass) const;
  Chunk begin_chunk(std::string context) const;
  Chunk finish(Chunk chunk, uint64_t bytes, uint64_t lines);
  void begin_records();
  Result<std::optional<Chunk>> skip();
  std::optional<Chunk> last_record();

  // An over-long record whose end has not come yet.
  struct Skipping {
    Chunk chunk;
    uint64_t bytes = 0;
    uint64_t lines = 0;
    bool newline = false;
    Hasher128 hash;
  };

  const std::string part_;
  const std::string origin_;
  const std::unique_ptr<Cutter> cutter_;
  const StreamRules rules_;
  const uint64_t base_;
  std::optional<Compression> compression_;
  std::unique_ptr<Decompressor> decompressor_;
  std::string packed_;   // as it came, while that is not plain or not known to be
  size_t unpacked_ = 0;  // of packed_
  bool input_ended_ = false;
  std::string buffer_;    // plain bytes from offset_ on
  uint64_t offset_;       // in the part: plain bytes delivered
  uint64_t line_ = 0;     // newlines in them
  uint64_t records_ = 0;  //
  uint64_t lead_ = 0;
  bool in_lead_ = true;
  std::string inherited_;  // as of the last lead that was cut
  Hasher128 hash_;
  Hash128 to_last_record_;
  std::optional<Delivered> before_;
  bool changed_ = false;
  size_t looked_at_ = 0;  // bytes of buffer_ in which the cutter found no border
  uint64_t plain_ = 0;    // bytes that came
  bool ended_ = false;    // all of them
  std::unique_ptr<Skipping> skipping_;
};

}  // namespace leat
