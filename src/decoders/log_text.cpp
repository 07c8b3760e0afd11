#include "decoders/log_text.h"

#include <cstdint>

#include "base/text.h"

namespace leat {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte of an escape \xHH at the beginning of `text`; -1 when there is none.
int hex_escape(std::string_view text) {
  if (text.size() < 4 || text[0] != '\\' || text[1] != 'x') return -1;
  const int high = hex_digit(text[2]);
  const int low = hex_digit(text[3]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void append_visible(unsigned char byte, std::string& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

// `run`: bytes from 80 on that stood next to each other.
void append_run(std::string_view run, std::string& out) {
  while (!run.empty()) {
    const size_t length = utf8_sequence(run);
    const bool c1_control = length == 2 && run[0] == '\xC2' && static_cast<unsigned char>(run[1]) < 0xA0;
    if (length != 0 && !c1_control) {
      out += run.substr(0, length);
      run.remove_prefix(length);
      continue;
    }
    for (size_t left = c1_control ? 2 : 1; left > 0; --left) {
      append_visible(static_cast<unsigned char>(run[0]), out);
      run.remove_prefix(1);
    }
  }
}

// A run of bytes from 80 on, gathered until something else follows.
class Gathered {
 public:
  explicit Gathered(std::string& out) : out_(out) {}
  void high(char byte) { run_ += byte; }
  std::string& rest() {
    if (!run_.empty()) {
      append_run(run_, out_);
      run_.clear();
    }
    return out_;
  }

 private:
  std::string& out_;
  std::string run_;
};

// As it was, but for what cannot be shown.
void clean(std::string_view logged, std::string& out) {
  Gathered to(out);
  for (const char c : logged) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      to.high(c);
    } else if (byte < 0x20 || byte == 0x7F) {
      append_visible(byte, to.rest());
    } else {
      to.rest() += c;
    }
  }
  to.rest();
}

// The number of four hexadecimal digits; -1 when they are not.
int hex_four(std::string_view digits) {
  if (digits.size() < 4) return -1;
  int value = 0;
  for (const char c : digits.substr(0, 4)) {
    const int digit = hex_digit(c);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

void append_code_point(uint32_t code, std::string& out) {
  if (code < 0x20 || (code >= 0x7F && code < 0xA0)) {
    append_visible(static_cast<unsigned char>(code), out);
  } else if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// `text` begins with \uHHHH: appends what it means, a pair of surrogates together. Bytes taken; 0: it is none.
size_t append_unicode_escape(std::string_view text, std::string& out) {
  const int first = hex_four(text.substr(2));
  if (first < 0 || (first >= 0xDC00 && first < 0xE000)) return 0;
  if (first < 0xD800 || first >= 0xE000) {
    append_code_point(static_cast<uint32_t>(first), out);
    return 6;
  }
  const bool pair = text.size() >= 12 && text[6] == '\\' && text[7] == 'u';
  const int second = pair ? hex_four(text.substr(8)) : -1;
  if (second < 0xDC00 || second >= 0xE000) return 0;
  append_code_point(0x10000 + ((static_cast<uint32_t>(first) - 0xD800) << 10) + static_cast<uint32_t>(second) - 0xDC00,
                    out);
  return 12;
}

void decode_json(std::string_view logged, std::string& out) {
  constexpr std::string_view kLetters = "bfnrt";
  constexpr std::string_view kMeaning = "\b\f\n\r\t";
  Gathered to(out);
  for (size_t at = 0; at < logged.size();) {
    const auto byte = static_cast<unsigned char>(logged[at]);
    if (byte >= 0x80) {
      to.high(logged[at++]);
      continue;
    }
    std::string& rest = to.rest();
    if (byte < 0x20 || byte == 0x7F) {
      append_visible(byte, rest);
      ++at;
      continue;
    }
    if (byte == '\\' && at + 1 < logged.size()) {
      const char kind = logged[at + 1];
      if (kind == '"' || kind == '\\' || kind == '/') {
        rest += kind;
        at += 2;
        continue;
      }
      if (const size_t letter = kLetters.find(kind); letter != std::string_view::npos) {
        append_visible(static_cast<unsigned char>(kMeaning[letter]), rest);
        at += 2;
        continue;
      }
      if (const size_t taken = kind == 'u' ? append_unicode_escape(logged.substr(at), rest) : 0; taken > 0) {
        at += taken;
        continue;
      }
    }
    rest += static_cast<char>(byte);
    ++at;
  }
  to.rest();
}

}  // namespace

void decode_log_text(std::string_view logged, Escape escape, std::string& out) {
  switch (escape) {
    case Escape::server:
      return decode_log_text(logged, out);
    case Escape::json:
      return decode_json(logged, out);
    case Escape::none:
      return clean(logged, out);
  }
}

void decode_log_text(std::string_view logged, std::string& out) {
  std::string run;
  size_t at = 0;
  while (at < logged.size()) {
    const auto byte = static_cast<unsigned char>(logged[at]);
    const int escaped = byte == '\\' ? hex_escape(logged.substr(at)) : -1;
    if (byte >= 0x80 || escaped >= 0x80) {
      run += static_cast<char>(escaped >= 0x80 ? escaped : byte);
      at += escaped >= 0x80 ? 4 : 1;
      continue;
    }
    if (!run.empty()) {
      append_run(run, out);
      run.clear();
    }
    if (escaped >= 0) {
      const bool control = escaped < 0x20 || escaped == 0x7F;
      if (control) {
        out += logged.substr(at, 4);
      } else {
        out += static_cast<char>(escaped);
      }
      at += 4;
    } else if (byte == '\\' && at + 1 < logged.size() && (logged[at + 1] == '"' || logged[at + 1] == '\\')) {
      out += logged[at + 1];
      at += 2;
    } else if (byte < 0x20 || byte == 0x7F) {
      append_visible(byte, out);
      ++at;
    } else {
      out += static_cast<char>(byte);
      ++at;
    }
  }
  append_run(run, out);
}

}  // namespace leat
