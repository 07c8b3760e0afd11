#pragma once

// Values out of a small JSON document, such as the answer to a login. Pure; any thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace leat {

bool is_json_pointer(std::string_view text);

// The value at `pointer` (RFC 6901) as text: a string, a number, true or false. Nothing: the document is not JSON, or
// has something else there, or nothing.
std::optional<std::string> json_text_at(std::string_view document, std::string_view pointer);

// A value of a document that is parsed once; keeps the document. What is not there has nothing in it, and so on below.
class JsonView {
 public:
  // Nothing: it is no JSON.
  static JsonView parse(std::string_view document);
  [[nodiscard]] JsonView at(const std::string& name) const;  // of an object
  [[nodiscard]] JsonView at(size_t index) const;             // of an array
  [[nodiscard]] size_t size() const;                         // of an array; else 0
  // As json_text_at().
  [[nodiscard]] std::optional<std::string> text() const;
  [[nodiscard]] std::optional<uint64_t> number() const;  // a whole one, not negative

 private:
  std::shared_ptr<const void> value_;  // shares the document
};

}  // namespace leat
