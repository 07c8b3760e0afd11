#include "sources/stdin.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace leat {
namespace {

constexpr uint64_t kWaitMs = 250;
constexpr size_t kReadBytes = 128 * 1024;
constexpr std::string_view kPart = "stdin#";

class StdinSource final : public Source {
 public:
  StdinSource(const StreamRules& rules, std::unique_ptr<os::ByteStream> input)
      : rules_(rules), input_(std::move(input)) {}

  Status open(SourceRequest request) override {
    if (stream_ != nullptr && stream_->delivered().bytes > 0) {
      return Status::fatal(fmt::format(
          "standard input cannot be read again after a failure; what was committed is in the table, the rest of it "
          "from byte {} on is lost: put it into a file and name that",
          with_commas(committed_)));
    }
    uint64_t last = 0;
    for (const Position& position : request.resume) {
      if (!position.part.starts_with(kPart)) continue;
      const auto number = parse_integer(std::string_view(position.part).substr(kPart.size()));
      last = std::max(last, static_cast<uint64_t>(number.value_or(0)));
    }
    // What has come already, while the columns were not known yet, is cut anew.
    stream_ = std::make_unique<StreamPart>(fmt::format("{}{}", kPart, last + 1), "standard input",
                                           request.make_cutter("standard input"), rules_);
    LEAT_TRY(stream_->push(first_));
    if (ended_) LEAT_TRY(stream_->end());
    return {};
  }

  Result<Reading> read(const std::stop_token& stop) override {
    for (;;) {
      if (stop.stop_requested()) return Status::stopped();
      auto chunk = stream_->next();
      if (!chunk.ok()) return failure(std::move(chunk).status());
      if (*chunk) {
        first_.clear();
        first_.shrink_to_fit();
        delivered_ = true;
        return Reading{.what = Reading::What::chunk, .chunk = **std::move(chunk)};
      }
      if (ended_) return Reading{.what = Reading::What::end, .chunk = {}};
      LEAT_ASSIGN(const os::ByteStream::Read got, input_->read(buffer_.data(), buffer_.size(), kWaitMs));
      if (got.ended) {
        ended_ = true;
        Status complete = stream_->end();
        if (!complete.ok()) return failure(std::move(complete));
        continue;
      }
      if (got.bytes == 0) return Reading{.what = Reading::What::idle, .chunk = {}};
      const std::string_view bytes(buffer_.data(), got.bytes);
      if (!delivered_) first_ += bytes;
      Status pushed = stream_->push(bytes);
      if (!pushed.ok()) return failure(std::move(pushed));
    }
  }

  void committed(const Positions& positions) override {
    for (const Position& position : positions) committed_ = position.offset;
  }
  // It ends when it ends.
  [[nodiscard]] std::optional<uint64_t> backlog_bytes() const override { return std::nullopt; }

 private:
  // The input cannot become better by trying again.
  static Status failure(Status status) {
    return status.kind() == Kind::bad_data ? Status::fatal(status.message()) : std::move(status);
  }

  const StreamRules rules_;
  const std::unique_ptr<os::ByteStream> input_;
  std::unique_ptr<StreamPart> stream_;
  std::string buffer_ = std::string(kReadBytes, '\0');
  std::string first_;  // what came before anything was delivered
  bool delivered_ = false;
  bool ended_ = false;
  uint64_t committed_ = 0;
};

}  // namespace

std::unique_ptr<Source> make_stdin_source(const StreamRules& rules, std::unique_ptr<os::ByteStream> input) {
  return std::make_unique<StdinSource>(rules, std::move(input));
}

}  // namespace leat
