#pragma once

// Lines for tests of sources, which know no decoder. A part that begins with "!refuse" is refused; one that begins with
// "?" is not recognised, unless an older one of its family was.

#include <optional>
#include <string>
#include <string_view>

#include "flow/cutter.h"

namespace leat::testing {

class TestCutter final : public Cutter {
 public:
  Result<Cut> whole(std::string_view bytes, const CutRule& rule) override {
    if (bytes.starts_with("!refuse")) return Status::bad_config("refused");
    if (bytes.starts_with("?") && saved_.empty()) return Cut{};
    Cut cut;
    for (uint64_t lines = 0; lines < rule.most_records; ++lines) {
      const size_t newline = bytes.find('\n', cut.bytes);
      const size_t end = newline == std::string_view::npos ? bytes.size() : newline;
      cut.too_long = cut.bytes == 0 && end > rule.max_record;
      if (newline == std::string_view::npos || end - cut.bytes > rule.max_record) break;
      cut.bytes = newline + 1;
      ++cut.records;
    }
    if (cut.bytes > 0) saved_ = "cut";
    return cut;
  }
  Result<std::optional<size_t>> skip(std::string_view bytes) override {
    const size_t newline = bytes.find('\n');
    if (newline == std::string_view::npos) return std::optional<size_t>();
    saved_ = "cut";
    return std::optional(newline + 1);
  }
  [[nodiscard]] bool may_inherit() const override { return true; }
  [[nodiscard]] std::string save() const override { return saved_; }
  Status restore(std::string_view saved) override {
    saved_ = saved;
    return saved == "cut" ? Status() : Status::bug("unknown state");
  }

 private:
  std::string saved_;
};

}  // namespace leat::testing
