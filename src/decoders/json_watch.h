#pragma once

// Members of a JSON document that are told while it is read, so that a source knows what the next page is
// (docs/formats/json.md §7). Owned by a cutter; one thread.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "flow/cutter.h"

namespace leat {

class JsonWatch {
 public:
  JsonWatch() = default;  // of nothing
  // `records`: the tokens of the path to the array of records. bad_config: names the path that can be none.
  static Result<JsonWatch> make(const std::vector<std::string>& records, const std::vector<std::string>& paths,
                                Saw saw);

  [[nodiscard]] bool empty() const { return paths_.empty(); }
  [[nodiscard]] bool inside_records() const { return inside_records_; }

  enum class At : uint8_t { nothing, inside, value };
  // What is watched of the member at `place`, its tokens from the document on: itself, or what is in it.
  [[nodiscard]] At at(std::span<const std::string> place) const;
  // Tells what is watched of `value`, which is one whole JSON value, at `place`. "": done; else what is wrong.
  [[nodiscard]] std::string tell(std::span<const std::string> place, std::string_view value) const;
  // The same of a record.
  [[nodiscard]] std::string tell_record(std::string_view record) const { return tell(record_, record); }

 private:
  std::vector<std::vector<std::string>> paths_;
  std::vector<std::string> record_;
  bool inside_records_ = false;
  Saw saw_;
};

constexpr size_t kLongestWatched = 64 * 1024;  // bytes of a text

// The value at `tokens` within `text`, which is one JSON value; "null" when there is none.
std::string_view json_value_at(std::string_view text, std::span<const std::string> tokens);

}  // namespace leat
