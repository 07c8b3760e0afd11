#pragma once

// Reads one element whose markup is known to be well formed (XmlNesting): gives the columns that paths name what is
// theirs, in the order of the document. One thread.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decoders/xml_paths.h"
#include "decoders/xml_text.h"

namespace leat {

// Which namespaces the prefixes stand for, by the elements that are open. Only kept where a path asks for one.
class XmlScopes {
 public:
  struct Declared {
    uint32_t depth = 0;  // of the element: the document element has 1
    std::string prefix;  // empty: of names without one
    std::string uri;
  };
  // `attributes`: of the start tag of the element that is now the `depth`-th.
  void open(uint32_t depth, std::string_view attributes);
  void close(uint32_t depth);
  // Whether a name in the document is the one of a path.
  [[nodiscard]] bool fits(const XmlName& wanted, std::string_view written, bool attribute) const;

  std::vector<Declared> declared;
};

// The child of `node` that is called so, or 0. `hint`: the index of the child to try first.
uint32_t find_xml_child(const XmlPaths& paths, uint32_t node, std::string_view name, const XmlScopes& scopes,
                        uint32_t* hint);

struct XmlPiece {
  std::string_view text;  // in the bytes
  XmlTextKind kind = XmlTextKind::text;
  bool plain = false;  // of a text: known to be what it means
};

struct XmlElement {
  std::span<const XmlPiece> pieces;  // the text in it and in the elements in it
  std::string_view whole;            // from '<' to '>'
  bool nested = false;               // there are elements in it
};

class XmlValues {
 public:
  XmlValues() = default;
  XmlValues(const XmlValues&) = delete;
  XmlValues& operator=(const XmlValues&) = delete;
  virtual ~XmlValues() = default;
  virtual void attribute(uint32_t column, std::string_view raw) = 0;
  virtual void element(uint32_t column, const XmlElement& element) = 0;
};

class XmlElementReader {
 public:
  // `at`: the '<' of its start tag; `depth`: of the elements around it; `node`: what it is. Returns what is behind it.
  const char* read(const char* at, const char* limit, uint32_t depth, const XmlPaths& paths, uint32_t node,
                   XmlScopes& scopes, XmlValues& values);

 private:
  struct Open {
    uint32_t node = 0;  // 0: nothing in it is wanted
    uint32_t hint = 0;
    uint32_t name_length = 0;
    bool wanted = false;
    bool nested = false;
    size_t first_piece = 0;
    const char* begin = nullptr;
  };
  std::vector<Open> open_;
  std::vector<XmlPiece> pieces_;
};

// The attributes of `body` that `node` has columns for.
void read_xml_attributes(std::string_view body, const XmlNode& node, const XmlScopes& scopes, XmlValues& values);

// The text that an element means, NULLs included: a view into the bytes where it stands there as it is, else into
// `out`, to which it was appended. False: *trouble says why it cannot be read.
bool xml_element_text(const XmlElement& element, const XmlEncoding& encoding, std::string& out, std::string_view* text,
                      std::string* trouble);
bool xml_attribute_text(std::string_view raw, const XmlEncoding& encoding, std::string& out, std::string_view* text,
                        std::string* trouble);

// Appends an element as JSON (docs/formats/xml.md §5).
bool append_xml_json(std::string_view element, const XmlEncoding& encoding, std::string& out, std::string* trouble);
// A text as a JSON string, null where it says that there is no value.
void append_json_text(std::string_view text, std::string& out);

// What several elements or attributes become together, as a column says; or one, kept until it is needed.
struct XmlHeld {
  uint32_t count = 0;
  bool null = true;
  std::string text;     // UTF-8; of a json column, JSON; of repeated json, without the ']' at the end
  std::string trouble;  // not empty: it cannot be read
};
void hold_xml(const XmlColumn& column, const XmlEncoding& encoding, const XmlElement& element, XmlHeld& held);
void hold_xml(const XmlColumn& column, const XmlEncoding& encoding, std::string_view attribute, XmlHeld& held);

}  // namespace leat
