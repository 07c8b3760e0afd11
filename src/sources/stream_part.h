#pragma once

// One part whose bytes come once, in order, maybe compressed: they become chunks. For sources that cannot go back:
// standard input, the body of an HTTP answer. One thread.

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

class StreamPart {
 public:
  StreamPart(std::string part, std::string origin, std::unique_ptr<Cutter> cutter, const StreamRules& rules);

  // bad_data: damaged, or more than max_body_bytes.
  Status push(std::string_view bytes);
  // Nothing more comes. bad_data: the compressed bytes are cut off.
  Status end();
  // Whole records; nothing: push more, or, after end(), all is delivered. Kinds as of Cutter::whole().
  Result<std::optional<Chunk>> next();

  // Plain bytes.
  [[nodiscard]] uint64_t delivered() const { return offset_; }

 private:
  Status add_plain(std::string_view bytes);
  Chunk begin_chunk(std::string context) const;
  Chunk finish(Chunk chunk, uint64_t bytes, uint64_t lines);
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
  std::optional<Compression> compression_;
  std::unique_ptr<Decompressor> decompressor_;
  std::string undecided_;  // first bytes, until the compression is known
  std::string buffer_;     // plain bytes from offset_ on
  uint64_t offset_ = 0;    // plain bytes delivered
  uint64_t line_ = 0;      // newlines in them
  size_t looked_at_ = 0;   // bytes of buffer_ in which the cutter found no border
  uint64_t plain_ = 0;     // bytes that came
  bool ended_ = false;
  std::unique_ptr<Skipping> skipping_;
};

}  // namespace leat
