// Any bytes as a file that grows, read in chunks of any size, with restarts: every byte is delivered once and in order,
// in whole lines, and each line becomes one row or one reject.
//
// Input: byte 0: chunks of so many bytes ×16, byte 1: longest record ×8, bytes 2–5 seed the growth, the rest is the
// file.

#include "os/file_system.h"
#include "sources/file.h"
#include "tests/fuzz/log_checks.h"
#include "tests/support/fake_clock.h"

namespace {

using leat::Result;
using leat::fuzz::require;

// One file, "/f", of which the first `there` bytes are there.
class GrowingFile final : public leat::os::FileSystem {
 public:
  explicit GrowingFile(std::string_view bytes) : bytes_(bytes) {}
  void grow(size_t by) { there_ = std::min(bytes_.size(), there_ + by); }
  [[nodiscard]] bool is_whole() const { return there_ == bytes_.size(); }

  Result<std::unique_ptr<leat::os::File>> open(const std::string& path, leat::os::Links /*links*/) override {
    if (path != "/f") return std::unique_ptr<leat::os::File>();
    return std::unique_ptr<leat::os::File>(std::make_unique<Opened>(*this));
  }
  Result<std::optional<leat::os::FileInfo>> info(const std::string& path, leat::os::Links /*links*/) override {
    return path == "/f" ? std::optional(now()) : std::nullopt;
  }
  Result<std::vector<std::string>> list(const std::string& /*directory*/) override {
    return std::vector<std::string>{"f"};
  }
  Result<std::vector<std::string>> glob(const std::string& /*pattern*/) override { return std::vector<std::string>(); }

 private:
  class Opened final : public leat::os::File {
   public:
    explicit Opened(const GrowingFile& file) : file_(file) {}
    Result<size_t> read_at(uint64_t offset, char* to, size_t size) override {
      if (offset >= file_.there_) return size_t{0};
      return file_.bytes_.substr(0, file_.there_).copy(to, size, offset);
    }
    Result<leat::os::FileInfo> info() override { return file_.now(); }

   private:
    const GrowingFile& file_;
  };

  [[nodiscard]] leat::os::FileInfo now() const {
    leat::os::FileInfo info;
    info.device = info.inode = 1;
    info.size = info.stored_size = there_;
    info.mtime_ns = static_cast<int64_t>(there_);
    info.regular = true;
    return info;
  }

  std::string_view bytes_;
  size_t there_ = 0;
};

struct Taken {
  leat::Positions positions;
  uint64_t offset = 0;
  uint64_t lines = 0;
};

void take(const leat::Chunk& chunk, std::string_view file, uint64_t max_record, leat::Decoder& decoder, Taken* taken) {
  require(chunk.start == taken->offset && chunk.first_line == taken->lines + 1, "chunks follow each other");
  require(chunk.gap_bytes == 0, "nothing is lost");
  require(chunk.bytes == file.substr(chunk.start, chunk.bytes.size()), "the bytes are those of the file");
  const uint64_t end = chunk.start + chunk.bytes.size() + chunk.skipped;
  if (chunk.truncated) {
    require(chunk.bytes.find('\n') == std::string::npos && chunk.bytes.size() + chunk.skipped > max_record,
            "only a longer record than allowed is cut");
    require(file.substr(0, end).substr(chunk.start).find('\n') == std::string::npos && end < file.size() &&
                file[end] == '\n' && chunk.end.offset == end + 1,
            "up to its newline");
  } else {
    for (const std::string_view line : leat::split(chunk.bytes, '\n')) {
      require(line.size() <= max_record || chunk.provisional, "a record is not longer than allowed");
    }
    require(chunk.bytes.empty() || chunk.provisional || chunk.bytes.back() == '\n', "whole lines");
    require(chunk.end.offset == (chunk.provisional ? chunk.start : end), "the position is behind the bytes");
  }
  leat::Chunk copy = chunk;
  leat::RecordBatch batch(decoder.schema());
  leat::Rejects rejects;
  decoder.decode(std::move(copy), batch, rejects);
  const uint64_t lines = leat::fuzz::lines_of(chunk.bytes, false).size();
  require(batch.rows() + rejects.size() == std::max<uint64_t>(lines, chunk.truncated ? 1 : 0),
          "each line is a row or a reject");
  taken->lines += chunk.truncated ? 1 : static_cast<uint64_t>(std::count(chunk.bytes.begin(), chunk.bytes.end(), '\n'));
  taken->offset = chunk.end.offset;
  taken->positions = {chunk.end};
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer wants this name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 6) return 0;
  leat::FileOptions options;
  options.include = {"/f"};
  options.chunk_bytes = 1 + data[0] * 16;
  options.max_record_bytes = 1 + data[1] * 8;
  uint64_t seed = 0;
  for (size_t i = 2; i < 6; ++i) seed = seed << 8 | data[i];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 6, size - 6);

  const leat::Note note = [](leat::NoteLevel level, const std::string& /*text*/) {
    require(level == leat::NoteLevel::info, "there is nothing to warn of");
  };
  const auto decoder = *leat::make_web_log_decoder({.format = "nginx_combined"}, note);
  leat::testing::FakeClock clock;
  GrowingFile file(bytes);
  Taken taken;
  std::unique_ptr<leat::Source> source;
  for (bool last = false; !last;) {
    seed = leat::mix64(seed);
    file.grow(seed % 97);
    last = file.is_whole();
    if (source == nullptr || last || seed % 3 == 0) {  // a restart
      source = leat::make_file_source(options, file, clock, note);
      const auto make_cutter = [&](const std::string& origin) { return decoder->make_cutter(origin); };
      require(source->open({taken.positions, make_cutter, last}).ok(), "what was delivered can be gone on from");
    }
    for (;;) {
      const auto reading = source->read({});
      require(reading.ok(), "a file that is there is read");
      if (reading->what != leat::Reading::What::chunk) break;
      take(reading->chunk, bytes, options.max_record_bytes, *decoder, &taken);
    }
  }
  const size_t behind = bytes.size() - std::min<size_t>(bytes.size(), taken.offset);
  require(bytes.substr(bytes.size() - behind).find('\n') == std::string_view::npos, "every whole line is delivered");
  return 0;
}
