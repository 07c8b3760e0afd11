#include "decoders/json_cursor.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace leat {
namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// -1: none.
constexpr int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The code unit of the \uXXXX that `raw` begins with, nothing when it begins with none: then at least 0x10000.
uint32_t code_unit(std::string_view raw) {
  constexpr uint32_t kNone = 0x10000;
  if (raw.size() < 6 || raw[0] != '\\' || raw[1] != 'u') return kNone;
  uint32_t unit = 0;
  for (size_t i = 2; i < 6; ++i) unit = unit << 4 | static_cast<uint32_t>(hex_digit(raw[i]));
  return unit;
}

void append_utf8(uint32_t code, std::string& out) {
  const auto byte = [&](uint32_t bits) { out += static_cast<char>(bits); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

// What an escape of two characters means.
char meant_by(char escaped) {
  switch (escaped) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return escaped;  // '"', '\', '/'
  }
}

}  // namespace

void unescape_json(std::string_view raw, std::string& out) {
  for (;;) {
    const size_t plain = std::min(raw.find('\\'), raw.size());
    out += raw.substr(0, plain);
    raw.remove_prefix(plain);
    if (raw.empty()) return;
    size_t length = 2;
    if (raw[1] != 'u') {
      out += meant_by(raw[1]);
    } else {
      length = 6;
      const uint32_t unit = code_unit(raw);
      const uint32_t low = unit >= 0xD800 && unit < 0xDC00 ? code_unit(raw.substr(6)) : 0;
      if (low >= 0xDC00 && low < 0xE000) {
        length = 12;
        append_utf8(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), out);
      } else if (unit == 0 || (unit >= 0xD800 && unit < 0xE000)) {
        out += raw.substr(0, length);
      } else {
        append_utf8(unit, out);
      }
    }
    raw.remove_prefix(length);
  }
}

// At a '\'.
bool JsonCursor::escape() {
  constexpr std::string_view kShort = "\"\\/bfnrt";
  if (end_ - at_ >= 2 && kShort.find(at_[1]) != std::string_view::npos) {
    at_ += 2;
    return true;
  }
  if (end_ - at_ >= 6 && at_[1] == 'u' && std::all_of(at_ + 2, at_ + 6, [](char c) { return hex_digit(c) >= 0; })) {
    at_ += 6;
    return true;
  }
  return fail("an escape of JSON");
}

// At the 'e' of a number.
bool JsonCursor::exponent() {
  ++at_;
  if (*at_ == '+' || *at_ == '-') ++at_;
  const char* const from = at_;
  while (is_digit(*at_)) ++at_;
  return at_ > from || fail("a digit");
}

bool JsonCursor::well_encoded(std::string_view text) {
  if (is_utf8(text)) return true;
  size_t at = 0;
  while (const size_t length = utf8_sequence(text.substr(at))) at += length;
  at_ = text.data() + at;
  return fail("UTF-8");
}

bool JsonCursor::value(size_t depth) {
  JsonString string_value;
  JsonNumber number_value;
  switch (next()) {
    case '{':
      return container('}', depth);
    case '[':
      return container(']', depth);
    case '"':
      return string(&string_value);
    case 't':
      return literal("true");
    case 'f':
      return literal("false");
    case 'n':
      return literal("null");
    default:
      return value_begins() && number(&number_value);
  }
}

bool JsonCursor::container(char close, size_t depth) {
  if (depth == kJsonDeepest) return fail("less nesting");
  ++at_;
  if (next() == close) {
    ++at_;
    return true;
  }
  JsonString key;
  for (bool more = true; more;) {
    if (close == '}') {
      if (next() != '"') return fail("'\"'");
      if (!string(&key) || !colon()) return false;
    }
    // Most are strings.
    if (!(next() == '"' ? string(&key) : value(depth + 1)) || !comma_or(close, &more)) return false;
  }
  return true;
}

std::string JsonCursor::trouble() const {
  const auto at = static_cast<size_t>(at_ - begin_);
  if (at_end()) return fmt::format("expected {} at byte {}, found the end of the record", expected_, at + 1);
  const size_t length = std::max<size_t>(1, utf8_sequence({at_, static_cast<size_t>(end_ - at_)}));
  return fmt::format("expected {} at byte {}, found {}", expected_, at + 1, quoted({at_, length}));
}

}  // namespace leat
