#pragma once

// Compressed bytes become plain ones while they arrive, in memory that does not grow with them. One thread.
//
//   gzip     RFC 1952, one or more members, zeros between and after them      isa-l
//   deflate  HTTP's: RFC 1950 (zlib), and RFC 1951 without a frame            isa-l
//   zstd     RFC 8878, one or more frames, windows up to 128 MiB              libzstd
//   brotli   RFC 7932                                                         libbrotlidec

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat {

enum class Compression : uint8_t { none, gzip, deflate, zstd, brotli };

std::string_view name_of(Compression compression);
// By the end of a file's name: ".gz", ".zst"; none for all others.
Compression compression_of_name(std::string_view path);
// By the first bytes; nothing: more of them are needed (4 tell). Brotli cannot be told, nor can a bare deflate.
std::optional<Compression> compression_of_bytes(std::string_view first, bool ended);

class Decompressor {
 public:
  Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  virtual ~Decompressor() = default;

  // Takes bytes from the front of `from` and writes at most `size` to `to`; returns how many. 0 with `size` > 0: all of
  // `from` is taken, give more. bad_data: damaged; the message says what it is, not where.
  virtual Result<size_t> next(std::string_view& from, char* to, size_t size) = 0;
  // The bytes so far are complete: they may end here.
  [[nodiscard]] virtual bool may_end() const = 0;
};

// `compression` is not none.
std::unique_ptr<Decompressor> make_decompressor(Compression compression);

}  // namespace leat
