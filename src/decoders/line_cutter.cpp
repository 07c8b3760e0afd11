#include "decoders/line_cutter.h"

#include <fmt/format.h>

#include <cstring>

#include "base/text.h"

namespace leat {
namespace {

class LineCutter final : public Cutter {
 public:
  Result<Cut> whole(std::string_view bytes, const CutRule& rule) override { return cut_lines(bytes, rule); }
  Result<std::optional<size_t>> skip(std::string_view bytes) override { return skip_line(bytes); }
  [[nodiscard]] std::string save() const override { return {}; }
  Status restore(std::string_view /*saved*/) override { return {}; }
};

}  // namespace

Cut cut_lines(std::string_view bytes, const CutRule& rule) {
  Cut cut;
  if (!bytes.empty() && bytes.size() <= rule.max_record) {
    // No line is too long, and most often there are not too many.
    const void* newline = ::memrchr(bytes.data(), '\n', bytes.size());
    if (newline == nullptr) return cut;
    cut.bytes = static_cast<size_t>(static_cast<const char*>(newline) - bytes.data()) + 1;
    cut.records = count_newlines(bytes.substr(0, cut.bytes));
    if (cut.records <= rule.most_records) return cut;
    cut = {};
  }
  while (cut.records < rule.most_records && cut.bytes < bytes.size()) {
    const void* newline = std::memchr(bytes.data() + cut.bytes, '\n', bytes.size() - cut.bytes);
    const size_t end = newline == nullptr ? bytes.size() : static_cast<const char*>(newline) - bytes.data();
    cut.too_long = cut.bytes == 0 && end > rule.max_record;
    if (newline == nullptr || end - cut.bytes > rule.max_record) break;
    cut.bytes = end + 1;
    ++cut.records;
  }
  return cut;
}

std::optional<size_t> skip_line(std::string_view bytes) {
  const size_t newline = bytes.find('\n');
  return newline == std::string_view::npos ? std::nullopt : std::optional(newline + 1);
}

std::unique_ptr<Cutter> make_line_cutter() {
  return std::make_unique<LineCutter>();
}

void reject_truncated(const Chunk& chunk, std::string_view what, const RecordBatch& batch, Rejects& rejects) {
  Reject reject = make_reject(batch.part, batch.origin, chunk.start, chunk.first_line, "",
                              fmt::format("{} is longer than {} {}", what, with_commas(batch.arena.size()),
                                          batch.arena.size() == 1 ? "byte" : "bytes"),
                              batch.arena);
  reject.raw_length += chunk.skipped;
  reject.raw_hash = chunk.whole_hash;
  rejects.push_back(std::move(reject));
}

}  // namespace leat
