#pragma once

// Finds the tokens of XML 1.0 in bytes of an encoding that contains ASCII: where each ends, and whether it is well
// formed by itself (docs/formats/xml.md §3). Who nests in whom is the caller's. Nothing is copied or decoded: what a
// token says are views into the bytes. Pure functions, any thread; an XmlNesting belongs to one.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace leat {

enum class XmlKind : uint8_t {
  text,         // up to the next '<'
  cdata,        // <![CDATA[ body ]]>
  start,        // <name body>, <name body/>
  end,          // </name>
  comment,      // <!-- -->
  instruction,  // <?name body?>, also the XML declaration
  doctype,      // <!DOCTYPE … [ … ]>
  more,         // not complete; `inside` says in what
  bad,          // not well formed: `trouble`, at `end`
};

struct XmlToken {
  XmlKind kind = XmlKind::more;
  XmlKind inside = XmlKind::more;  // of more: text, cdata, comment, instruction; more: a tag or too few bytes to tell
  bool closed = false;             // of start: <name/>
  bool plain = false;              // of text: it means what it says, and is ASCII
  const char* end = nullptr;       // behind the token
  std::string_view name;
  std::string_view body;  // of start: the attributes
  const char* trouble = nullptr;
};

// The token that begins at `at`, which is before `limit`. A text that reaches `limit` is more.
XmlToken next_xml_token(const char* at, const char* limit);

// Behind the end of a text, CDATA, comment or instruction whose beginning is passed, or null: not within the bytes.
// Then *kept of them, at their end, may be the beginning of the end. *trouble: it is not well formed, at what is
// returned.
const char* find_xml_end(XmlKind inside, const char* at, const char* limit, size_t* kept, const char** trouble);

// The first '<' of [at, limit), or `limit`. *plain: nothing before it but printable ASCII without '&' and ']', newlines
// and tabs.
const char* find_xml_text_end(const char* at, const char* limit, bool* plain);

// The first byte of [at, limit) that no name has, or `limit`. Bytes from 80 on count as parts of a name.
const char* find_xml_name_end(const char* at, const char* limit);

// For names, which are short: comparing them is what most of a scan consists of.
inline bool same_xml_name(std::string_view a, std::string_view b) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  const auto same = [&](auto word, size_t at) {
    auto other = word;
    std::memcpy(&word, a.data() + at, sizeof(word));
    std::memcpy(&other, b.data() + at, sizeof(word));
    return word == other;
  };
  if (size > 2 * sizeof(uint64_t)) return a == b;
  if (size >= sizeof(uint64_t)) return same(uint64_t{}, 0) && same(uint64_t{}, size - sizeof(uint64_t));
  if (size >= sizeof(uint32_t)) return same(uint32_t{}, 0) && same(uint32_t{}, size - sizeof(uint32_t));
  return size == 0 || (a[0] == b[0] && a[size / 2] == b[size / 2] && a[size - 1] == b[size - 1]);
}

constexpr bool is_xml_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

struct XmlAttribute {
  std::string_view name;
  std::string_view value;  // as it stands between the quotes
};
// Takes the first one off `body`, the body of a start tag or of the XML declaration. False: there is none, or it is not
// well formed.
bool next_xml_attribute(std::string_view& body, XmlAttribute& attribute);

constexpr size_t kDeepestXml = 256;  // elements within each other

// Goes over one element, from its start tag to its end tag, and checks that what is in it nests. The bytes may come in
// pieces: each begins where the one before was left.
class XmlNesting {
 public:
  enum class What : uint8_t { done, more, bad };
  // `at` becomes where it stands: behind the element, before what is not complete, or where it is bad (trouble()).
  What go(const char*& at, const char* limit);
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  // The element that is open innermost; empty: none.
  [[nodiscard]] std::string_view open() const;
  // Before the next element; `depth`: of the elements around it.
  void reset(size_t depth);

 private:
  void push(std::string_view name);
  void pop();
  What bad(std::string trouble);

  std::string names_;  // of the open elements, one behind the other
  std::vector<uint32_t> lengths_;
  size_t depth_ = 0;
  XmlKind inside_ = XmlKind::more;  // of which comment or CDATA the beginning is passed
  std::string trouble_;
};

// Moves `at` as far as can be told into a token that is `more`: into a text, a comment, CDATA. What it is in then.
XmlKind enter_xml_token(const XmlToken& token, const char*& at, const char* limit);
// Goes on in what enter_xml_token() has said. False: it does not end within the bytes, or *trouble.
bool leave_xml_token(XmlKind inside, const char*& at, const char* limit, const char** trouble);

}  // namespace leat
