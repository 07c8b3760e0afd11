#include "sources/gzip_file.h"

#include <fmt/format.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"

namespace leat {
namespace {

constexpr size_t kInputBytes = 64 * 1024;
constexpr size_t kOutputBytes = 128 * 1024;
// A reader steps back to the border of the last record, and looks at the bytes before it: these need no new start.
constexpr size_t kRecentBytes = 512 * 1024;

class IsalGzipFile final : public GzipFile {
 public:
  IsalGzipFile(std::unique_ptr<os::File> compressed, std::string path)
      : compressed_(std::move(compressed)), path_(std::move(path)) {
    rewind();
  }

  Result<bool> is_whole() override {
    for (;;) {
      LEAT_ASSIGN(const size_t n, inflate());
      if (n == 0) break;
      forget_all_but(kRecentBytes);
    }
    const bool whole = members_ > 0 && !in_member_;
    if (whole) size_ = position_;
    return whole;
  }

  Result<size_t> read_at(uint64_t offset, char* to, size_t size) override {
    if (offset < position_ - recent_.size()) rewind();
    while (position_ < offset + size) {
      if (position_ < offset) forget_all_but(kRecentBytes);
      LEAT_ASSIGN(const size_t n, inflate());
      if (n == 0) break;
    }
    if (position_ <= offset) return size_t{0};
    const size_t n = std::min<uint64_t>(size, position_ - offset);
    recent_.copy(to, n, recent_.size() - (position_ - offset));
    forget_all_but(kRecentBytes);
    return n;
  }

  Result<os::FileInfo> info() override {
    LEAT_ASSIGN(os::FileInfo info, compressed_->info());
    info.size = size_;
    return info;
  }

 private:
  void rewind() {
    position_ = 0;
    input_offset_ = 0;
    input_at_ = input_size_ = 0;
    in_member_ = false;
    members_ = 0;
    recent_.clear();
  }

  void forget_all_but(size_t bytes) {
    if (recent_.size() > 2 * bytes) recent_.erase(0, recent_.size() - bytes);
  }

  // Appends to recent_; how many bytes, 0 only at the end.
  Result<size_t> inflate() {
    const size_t before = recent_.size();
    recent_.resize(before + kOutputBytes);
    LEAT_ASSIGN(const size_t n, inflate_into(recent_.data() + before, kOutputBytes));
    recent_.resize(before + n);
    return n;
  }

  Result<size_t> inflate_into(char* to, size_t size) {
    for (;;) {
      if (input_at_ == input_size_) {
        LEAT_ASSIGN(input_size_, compressed_->read_at(input_offset_, input_.data(), input_.size()));
        input_at_ = 0;
        input_offset_ += input_size_;
        if (input_size_ == 0 && !in_member_) return size_t{0};
      }
      if (!in_member_) {
        // Between members only padding with zeros is allowed.
        while (input_at_ < input_size_ && input_[input_at_] == '\0' && members_ > 0) ++input_at_;
        if (input_at_ == input_size_) {
          if (input_size_ == 0) return size_t{0};
          continue;
        }
        isal_inflate_init(state_.get());
        state_->crc_flag = ISAL_GZIP;
        in_member_ = true;
      }
      const size_t available = input_size_ - input_at_;
      state_->next_in = reinterpret_cast<uint8_t*>(input_.data() + input_at_);  // NOLINT: isa-l's own type
      state_->avail_in = static_cast<uint32_t>(available);
      state_->next_out = reinterpret_cast<uint8_t*>(to);  // NOLINT: isa-l's own type
      state_->avail_out = static_cast<uint32_t>(std::min<size_t>(size, UINT32_MAX));
      const uint32_t wanted = state_->avail_out;
      const int outcome = isal_inflate(state_.get());
      input_at_ += available - state_->avail_in;
      if (outcome != ISAL_DECOMP_OK && outcome != ISAL_END_INPUT) {
        return Status::retry(fmt::format("{}: its gzip data is damaged near byte {}", visible(path_),
                                         input_offset_ - input_size_ + input_at_));
      }
      const size_t produced = wanted - state_->avail_out;
      position_ += produced;
      if (state_->block_state == ISAL_BLOCK_FINISH) {
        in_member_ = false;
        ++members_;
      }
      if (produced > 0) return produced;
      if (available == 0 && in_member_) return size_t{0};  // cut off
    }
  }

  std::unique_ptr<os::File> compressed_;
  std::string path_;
  std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();
  std::array<char, kInputBytes> input_{};
  std::string recent_;  // the uncompressed bytes just before position_
  size_t input_at_ = 0;
  size_t input_size_ = 0;
  uint64_t input_offset_ = 0;  // of the byte after the input at hand
  uint64_t position_ = 0;      // uncompressed bytes handed out since the start
  uint64_t size_ = UINT64_MAX;
  uint64_t members_ = 0;
  bool in_member_ = false;
};

}  // namespace

bool is_gzip_name(std::string_view path) {
  return path.ends_with(".gz");
}

std::unique_ptr<GzipFile> open_gzip(std::unique_ptr<os::File> compressed, const std::string& path) {
  return std::make_unique<IsalGzipFile>(std::move(compressed), path);
}

}  // namespace leat
