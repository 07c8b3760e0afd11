#pragma once

// How many columns of a terminal a text takes: wide characters (CJK, emoji) take two, combining marks none. Texts are
// what visible() gives: UTF-8 without control characters. By Unicode 14; pure functions, any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace leat {

enum class CharWidth : uint8_t {
  mark,    // drawn onto the character before it: no column
  format,  // invisible, but may change what stands around it (direction, joining): not to be shown
  narrow,
  wide,
};
CharWidth width_of(char32_t code);

// The character that valid UTF-8 begins with.
char32_t first_code(std::string_view utf8);

size_t columns_of(std::string_view text);

// `text` in at most `width` columns, "…" in place of its end or of its middle where it does not fit.
std::string shorten_end(std::string_view text, size_t width);
std::string shorten_middle(std::string_view text, size_t width);

}  // namespace leat
