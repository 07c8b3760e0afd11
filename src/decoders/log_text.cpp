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

}  // namespace

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
