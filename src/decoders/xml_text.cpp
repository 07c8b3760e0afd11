#include "decoders/xml_text.h"

#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "decoders/xml_scanner.h"

namespace leat {
namespace {

// One byte in an encoding as UTF-8. Nothing: it is none, or only a part of a character.
std::optional<std::string> convert(iconv_t from, char byte) {
  std::array<char, 16> buffer{};
  char* in = &byte;
  char* out = buffer.data();
  size_t in_left = 1;
  size_t out_left = buffer.size();
  ::iconv(from, nullptr, nullptr, nullptr, nullptr);
  if (::iconv(from, &in, &in_left, &out, &out_left) == static_cast<size_t>(-1)) return std::nullopt;
  return std::string(buffer.data(), buffer.size() - out_left);
}

bool is_xml_character(uint32_t c) {
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
         (c >= 0x10000 && c <= 0x10FFFF);
}

void append_utf8(uint32_t c, std::string& out) {
  const auto push = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return push(c);
  if (c < 0x800) {
    push(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      push(0xE0 | c >> 12);
    } else {
      push(0xF0 | c >> 18);
      push(0x80 | (c >> 12 & 0x3F));
    }
    push(0x80 | (c >> 6 & 0x3F));
  }
  push(0x80 | (c & 0x3F));
}

// `reference`: what stands between '&' and ';'.
bool append_reference(std::string_view reference, std::string& out, std::string* trouble) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kKnown{
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
  for (const auto& [name, character] : kKnown) {
    if (name != reference) continue;
    out.push_back(character);
    return true;
  }
  if (!reference.starts_with('#')) {
    *trouble = fmt::format(
        "unknown entity {}: there are &amp; &lt; &gt; &quot; &apos; and numbers such as &#38;; those that a DOCTYPE "
        "declares are not read",
        quoted(fmt::format("&{};", reference), 40));
    return false;
  }
  const bool hexadecimal = reference.starts_with("#x");
  const std::string_view digits = reference.substr(hexadecimal ? 2 : 1);
  uint32_t code = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, hexadecimal ? 16 : 10);
  if (error == std::errc() && stop == digits.data() + digits.size() && is_xml_character(code)) {
    append_utf8(code, out);
    return true;
  }
  *trouble = fmt::format("{} is no character of XML", quoted(fmt::format("&{};", reference), 40));
  return false;
}

bool stops(char c) {
  return c == '&' || c == ']' || (static_cast<unsigned char>(c) < ' ' && c != '\n');
}

}  // namespace

Result<XmlEncoding> XmlEncoding::named(std::string_view name) {
  XmlEncoding encoding;
  if (equal_ignoring_case(name, "UTF-8") || equal_ignoring_case(name, "UTF8")) return encoding;
  encoding.name_ = name;
  iconv_t from = ::iconv_open("UTF-8", encoding.name_.c_str());
  if (from == reinterpret_cast<iconv_t>(-1)) {  // NOLINT(performance-no-int-to-ptr): that is what iconv returns
    return Status::bad_config(fmt::format("there is no encoding {}", quoted(name, 40)));
  }
  bool single = true;
  for (int byte = 1; byte < 0x80; ++byte) {
    single = single && convert(from, static_cast<char>(byte)) == std::string(1, static_cast<char>(byte));
  }
  std::array<std::string, 128> table;
  for (size_t i = 0; i < table.size(); ++i) {
    if (auto character = convert(from, static_cast<char>(0x80 + i))) table[i] = *std::move(character);
  }
  ::iconv_close(from);
  const bool ascii = std::all_of(table.begin(), table.end(), [](const std::string& text) { return text.empty(); });
  if (!single || (ascii && !equal_ignoring_case(name, "US-ASCII") && !equal_ignoring_case(name, "ASCII"))) {
    return Status::bad_config(fmt::format(
        "the encoding {} cannot be read: leat reads UTF-8 and those in which each byte is a character (ISO-8859, "
        "Windows-125x, KOI8); make it UTF-8 first: iconv -f {} -t UTF-8",
        quoted(name, 40), visible(name, 40)));
  }
  encoding.table_ = std::make_shared<const std::array<std::string, 128>>(std::move(table));
  return encoding;
}

void XmlEncoding::append(std::string_view raw, std::string& out) const {
  while (!raw.empty()) {
    const auto plain = std::find_if(raw.begin(), raw.end(), [](char c) { return static_cast<signed char>(c) < 0; });
    const auto length = static_cast<size_t>(plain - raw.begin());
    out.append(raw.substr(0, length));
    raw.remove_prefix(length);
    if (raw.empty()) return;
    const auto byte = static_cast<unsigned char>(raw[0]);
    size_t taken = 1;
    if (table_ != nullptr) {
      const std::string& character = (*table_)[byte - 0x80];
      if (!character.empty()) {
        out.append(character);
      } else {
        out += fmt::format("\\x{:02X}", byte);
      }
    } else if (const size_t sequence = utf8_sequence(raw); sequence > 0) {
      out.append(raw.substr(0, sequence));
      taken = sequence;
    } else {
      out += fmt::format("\\x{:02X}", byte);
    }
    raw.remove_prefix(taken);
  }
}

bool decode_xml_text(std::string_view raw, XmlTextKind kind, const XmlEncoding& encoding, std::string& out,
                     std::string* trouble) {
  while (!raw.empty()) {
    const auto stop = std::find_if(raw.begin(), raw.end(), stops);
    const auto length = static_cast<size_t>(stop - raw.begin());
    if (kind == XmlTextKind::attribute) {
      const size_t before = out.size();
      encoding.append(raw.substr(0, length), out);
      std::replace(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), '\n', ' ');
    } else {
      encoding.append(raw.substr(0, length), out);
    }
    raw.remove_prefix(length);
    if (raw.empty()) return true;
    const char c = raw[0];
    size_t taken = 1;
    if (c == '\t' || c == '\r') {
      if (c == '\r' && raw.starts_with("\r\n")) taken = 2;
      out.push_back(kind == XmlTextKind::attribute ? ' ' : c == '\r' ? '\n' : '\t');
    } else if (c == '&' && kind != XmlTextKind::cdata) {
      const size_t semicolon = raw.substr(0, 64).find(';');
      if (semicolon == std::string_view::npos) {
        *trouble = fmt::format("'&' without ';' ({}); a '&' that is meant as text is written &amp;", quoted(raw, 20));
        return false;
      }
      if (!append_reference(raw.substr(1, semicolon - 1), out, trouble)) return false;
      taken = semicolon + 1;
    } else if (c == ']' || c == '&') {
      if (kind == XmlTextKind::text && raw.starts_with("]]>")) {
        *trouble = "']]>' stands in a text; it is written ]]&gt;";
        return false;
      }
      out.push_back(c);
    } else {
      *trouble = fmt::format("the control character {} is none of XML's", quoted(raw.substr(0, 1)));
      return false;
    }
    raw.remove_prefix(taken);
  }
  return true;
}

bool is_plain_xml(std::string_view raw, XmlTextKind kind, bool utf8) {
  uint8_t strange = 0;
  uint8_t all = 0;
  if (kind == XmlTextKind::cdata) {
    for (const char c : raw) {
      const auto byte = static_cast<uint8_t>(c);
      strange |= static_cast<uint8_t>((byte < ' ') & (byte != '\n') & (byte != '\t'));
      all |= byte;
    }
  } else {
    const bool attribute = kind == XmlTextKind::attribute;
    for (const char c : raw) {
      if (stops(c) && (c != '\t' || attribute)) return false;
      if (c == '\n' && attribute) return false;
      all |= static_cast<uint8_t>(c);
    }
  }
  return strange == 0 && (all < 0x80 || (utf8 && is_utf8(raw)));
}

bool is_xml_null(std::string_view value) {
  if (value.empty()) return true;
  if (value == "null") return true;
  return is_xml_space(value.front()) && std::all_of(value.begin(), value.end(), is_xml_space);
}

}  // namespace leat
