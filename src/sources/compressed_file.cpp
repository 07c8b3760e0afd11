#include "sources/compressed_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace leat {
namespace {

constexpr size_t kInputBytes = 64 * 1024;
constexpr size_t kOutputBytes = 128 * 1024;
// A reader goes on at the border of the last record, and looks at the bytes before it: these need no new start.
constexpr size_t kBehindBytes = 4096;

class FileOfPlainBytes final : public CompressedFile {
 public:
  FileOfPlainBytes(std::unique_ptr<os::File> compressed, Compression compression, std::string path)
      : compressed_(std::move(compressed)), compression_(compression), path_(std::move(path)) {
    rewind();
  }

  Result<bool> is_whole() override {
    for (;;) {
      LEAT_ASSIGN(const size_t n, more());
      if (n == 0) break;
      forget_before(position_);
    }
    const bool whole = decompressor_->may_end();
    if (whole) size_ = position_;
    return whole;
  }

  Result<size_t> read_at(uint64_t offset, char* to, size_t size) override {
    if (offset < position_ - recent_.size()) rewind();
    while (position_ < offset + size) {
      forget_before(offset);
      LEAT_ASSIGN(const size_t n, more());
      if (n == 0) break;
    }
    if (position_ <= offset) return size_t{0};
    return recent_.copy(to, std::min<uint64_t>(size, position_ - offset), recent_.size() - (position_ - offset));
  }

  Result<os::FileInfo> info() override {
    LEAT_ASSIGN(os::FileInfo info, compressed_->info());
    info.size = size_;
    return info;
  }

 private:
  void rewind() {
    decompressor_ = make_decompressor(compression_);
    position_ = 0;
    input_offset_ = 0;
    unread_ = {};
    recent_.clear();
  }

  // Nobody will ask for bytes far before `offset`; an asked-for record stays, however long it is.
  void forget_before(uint64_t offset) {
    const uint64_t first = position_ - recent_.size();
    const uint64_t keep = std::min(offset, position_) - std::min<uint64_t>(std::min(offset, position_), kBehindBytes);
    if (keep > first + 2 * kOutputBytes) recent_.erase(0, keep - first);
  }

  // Appends to recent_; how many bytes, 0 only at the end.
  Result<size_t> more() {
    const size_t before = recent_.size();
    recent_.resize(before + kOutputBytes);
    size_t n = 0;
    for (bool ended = false; n == 0 && !ended;) {
      if (unread_.empty()) {
        LEAT_ASSIGN(const size_t size, compressed_->read_at(input_offset_, input_.data(), input_.size()));
        input_offset_ += size;
        unread_ = {input_.data(), size};
        ended = size == 0;
      }
      auto produced = decompressor_->next(unread_, recent_.data() + before, kOutputBytes);
      if (!produced.ok()) {
        return Status::retry(fmt::format("{}: {} near byte {}", visible(path_), produced.status().message(),
                                         input_offset_ - unread_.size()));
      }
      n = *produced;
    }
    recent_.resize(before + n);
    position_ += n;
    return n;
  }

  std::unique_ptr<os::File> compressed_;
  const Compression compression_;
  const std::string path_;
  std::unique_ptr<Decompressor> decompressor_;
  std::array<char, kInputBytes> input_{};
  std::string_view unread_;    // of input_
  uint64_t input_offset_ = 0;  // of the byte after the input at hand
  std::string recent_;         // the plain bytes just before position_
  uint64_t position_ = 0;      // plain bytes handed out since the start
  uint64_t size_ = UINT64_MAX;
};

}  // namespace

std::unique_ptr<CompressedFile> open_compressed(std::unique_ptr<os::File> compressed, Compression compression,
                                                const std::string& path) {
  return std::make_unique<FileOfPlainBytes>(std::move(compressed), compression, path);
}

}  // namespace leat
