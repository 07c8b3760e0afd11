#pragma once

// What the text of a document means: its encoding, references and line ends (docs/formats/xml.md §4). Immutable values
// and pure functions; any thread.

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat {

// UTF-8, or one in which each byte is a character and ASCII stands for itself.
class XmlEncoding {
 public:
  XmlEncoding() = default;  // UTF-8
  // bad_config: there is no such encoding, or it is another kind.
  static Result<XmlEncoding> named(std::string_view name);

  [[nodiscard]] bool utf8() const { return table_ == nullptr; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // Appends `raw` as UTF-8; what is no character as \xHH.
  void append(std::string_view raw, std::string& out) const;

 private:
  std::string name_ = "UTF-8";
  std::shared_ptr<const std::array<std::string, 128>> table_;  // of the bytes from 80 on
};

enum class XmlTextKind : uint8_t { text, cdata, attribute };

// Appends what `raw` means to `out`, as UTF-8. Else *trouble says why it cannot be read: "unknown entity '&x;' …".
bool decode_xml_text(std::string_view raw, XmlTextKind kind, const XmlEncoding& encoding, std::string& out,
                     std::string* trouble);

// Whether `raw` is what it means, and valid UTF-8: decoding it would change nothing. `utf8`: that is its encoding.
bool is_plain_xml(std::string_view raw, XmlTextKind kind, bool utf8);

// A value that says that there is none: empty, only white space, or the word null.
bool is_xml_null(std::string_view value);

}  // namespace leat
