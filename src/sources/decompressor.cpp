#include "sources/decompressor.h"

#include <brotli/decode.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace leat {
namespace {

constexpr unsigned kLargestWindow = 27;  // log2 of bytes: 128 MiB, what zstd itself accepts unless told otherwise

// Members of gzip, or one stream of deflate.
class IsalDecompressor final : public Decompressor {
 public:
  explicit IsalDecompressor(Compression compression) : gzip_(compression == Compression::gzip) {}

  Result<size_t> next(std::string_view& from, char* to, size_t size) override {
    for (;;) {
      if (!in_member_ && !begin(from)) return size_t{0};
      state_->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(from.data()));  // NOLINT: isa-l's own type
      state_->avail_in = static_cast<uint32_t>(std::min<size_t>(from.size(), UINT32_MAX));
      state_->next_out = reinterpret_cast<uint8_t*>(to);  // NOLINT: isa-l's own type
      state_->avail_out = static_cast<uint32_t>(std::min<size_t>(size, UINT32_MAX));
      const uint32_t in = state_->avail_in;
      const uint32_t out = state_->avail_out;
      const int outcome = isal_inflate(state_.get());
      from.remove_prefix(in - state_->avail_in);
      if (outcome != ISAL_DECOMP_OK && outcome != ISAL_END_INPUT) {
        return Status::bad_data(gzip_ ? "its gzip data is damaged" : "its deflate data is damaged");
      }
      if (state_->block_state == ISAL_BLOCK_FINISH) {
        in_member_ = false;
        ++members_;
      }
      const size_t produced = out - state_->avail_out;
      if (produced > 0) return produced;
      if (in_member_ && (from.empty() || state_->avail_in == in)) return size_t{0};
    }
  }

  [[nodiscard]] bool may_end() const override { return members_ > 0 && !in_member_; }

 private:
  // At the beginning of a member. False: there are no bytes of one.
  bool begin(std::string_view& from) {
    if (!gzip_ && members_ > 0) from = {};  // what stands behind a stream of deflate is not ours
    // Between members only padding with zeros is allowed.
    while (members_ > 0 && from.starts_with('\0')) from.remove_prefix(1);
    if (from.empty()) return false;
    isal_inflate_init(state_.get());
    // The first byte of a zlib header has 8 in its low half; of a bare deflate stream that would be a reserved block.
    const bool zlib = (static_cast<uint8_t>(from[0]) & 0x0F) == 8;
    state_->crc_flag = gzip_ ? ISAL_GZIP : zlib ? ISAL_ZLIB : ISAL_DEFLATE;
    in_member_ = true;
    return true;
  }

  const bool gzip_;
  std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();
  uint64_t members_ = 0;
  bool in_member_ = false;
};

class ZstdDecompressor final : public Decompressor {
 public:
  ZstdDecompressor() : context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kLargestWindow);
  }

  Result<size_t> next(std::string_view& from, char* to, size_t size) override {
    ZSTD_inBuffer in{from.data(), from.size(), 0};
    ZSTD_outBuffer out{to, size, 0};
    while (out.pos == 0) {
      const size_t before = in.pos;
      const size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(left) != 0) {
        return Status::bad_data(std::string("its zstd data is damaged (") + ZSTD_getErrorName(left) + ")");
      }
      if (in.pos == before && out.pos == 0) break;  // and `left` is what a next frame would begin with
      complete_ = left == 0;
    }
    from.remove_prefix(in.pos);
    return out.pos;
  }

  [[nodiscard]] bool may_end() const override { return complete_; }

 private:
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  bool complete_ = false;
};

class BrotliDecompressor final : public Decompressor {
 public:
  BrotliDecompressor() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance) {}

  Result<size_t> next(std::string_view& from, char* to, size_t size) override {
    if (ended_) from = {};
    size_t in = from.size();
    const auto* bytes = reinterpret_cast<const uint8_t*>(from.data());  // NOLINT: brotli's own type
    size_t room = size;
    auto* place = reinterpret_cast<uint8_t*>(to);  // NOLINT: brotli's own type
    const BrotliDecoderResult outcome =
        BrotliDecoderDecompressStream(state_.get(), &in, &bytes, &room, &place, nullptr);
    from.remove_prefix(from.size() - in);
    if (outcome == BROTLI_DECODER_RESULT_ERROR) return Status::bad_data("its brotli data is damaged");
    ended_ = outcome == BROTLI_DECODER_RESULT_SUCCESS;
    if (ended_) from = {};  // what stands behind the stream is not ours
    return size - room;
  }

  [[nodiscard]] bool may_end() const override { return ended_; }

 private:
  std::unique_ptr<BrotliDecoderState, decltype(&BrotliDecoderDestroyInstance)> state_;
  bool ended_ = false;
};

constexpr std::array<std::pair<Compression, std::string_view>, 5> kNames{{
    {Compression::none, "none"},
    {Compression::gzip, "gzip"},
    {Compression::deflate, "deflate"},
    {Compression::zstd, "zstd"},
    {Compression::brotli, "brotli"},
}};

}  // namespace

std::string_view name_of(Compression compression) {
  return kNames[static_cast<size_t>(compression)].second;
}

Compression compression_of_name(std::string_view path) {
  if (path.ends_with(".gz")) return Compression::gzip;
  if (path.ends_with(".zst")) return Compression::zstd;
  return Compression::none;
}

std::optional<Compression> compression_of_bytes(std::string_view first, bool ended) {
  constexpr std::string_view kGzip("\x1F\x8B\x08", 3);
  constexpr std::string_view kZstd("\x28\xB5\x2F\xFD", 4);
  if (first.starts_with(kGzip)) return Compression::gzip;
  if (first.starts_with(kZstd)) return Compression::zstd;
  const bool may_become = kGzip.starts_with(first) || kZstd.starts_with(first);
  if (may_become && !ended) return std::nullopt;
  return Compression::none;
}

std::unique_ptr<Decompressor> make_decompressor(Compression compression) {
  if (compression == Compression::zstd) return std::make_unique<ZstdDecompressor>();
  if (compression == Compression::brotli) return std::make_unique<BrotliDecompressor>();
  return std::make_unique<IsalDecompressor>(compression);
}

}  // namespace leat
