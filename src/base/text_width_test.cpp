#include "base/text_width.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

TEST(TextWidth, ColumnsOfATerminal) {
  EXPECT_EQ(columns_of(""), 0U);
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("héllo"), 5U);
  EXPECT_EQ(columns_of("he\u0301llo"), 5U);  // a combining accent
  EXPECT_EQ(columns_of("日本語"), 6U);
  EXPECT_EQ(columns_of("ｆｕｌｌ"), 8U);
  EXPECT_EQ(columns_of("한글"), 4U);
  EXPECT_EQ(columns_of("\u1112\u1161\u11AB"), 2U);  // one syllable of three letters
  EXPECT_EQ(columns_of("🙂"), 2U);
  EXPECT_EQ(columns_of("█▌…"), 3U);
  EXPECT_EQ(columns_of("\u202Eabc\u200B"), 3U);
  EXPECT_EQ(columns_of("a\xFFz"), 3U);  // never from visible(), but it must not read past the end
  EXPECT_EQ(columns_of("a\xE6\x97"), 3U);
}

TEST(TextWidth, KindsOfCharacters) {
  EXPECT_EQ(width_of(U'a'), CharWidth::narrow);
  EXPECT_EQ(width_of(0x0301), CharWidth::mark);
  EXPECT_EQ(width_of(0xFE0F), CharWidth::mark);
  EXPECT_EQ(width_of(0x202E), CharWidth::format);
  EXPECT_EQ(width_of(0x200D), CharWidth::format);
  EXPECT_EQ(width_of(0x4E00), CharWidth::wide);
  EXPECT_EQ(width_of(0x1F642), CharWidth::wide);
  EXPECT_EQ(width_of(0x00AD), CharWidth::narrow);
  EXPECT_EQ(width_of(0x10FFFF), CharWidth::narrow);
}

TEST(TextWidth, ShortenedAtTheEnd) {
  EXPECT_EQ(shorten_end("abcdef", 6), "abcdef");
  EXPECT_EQ(shorten_end("abcdef", 5), "abcd…");
  EXPECT_EQ(shorten_end("abcdef", 1), "…");
  EXPECT_EQ(shorten_end("abcdef", 0), "");
  EXPECT_EQ(shorten_end("日本語", 5), "日本…");
  EXPECT_EQ(shorten_end("日本語", 4), "日…");  // half a character is none
}

TEST(TextWidth, ShortenedInTheMiddle) {
  EXPECT_EQ(shorten_middle("/products/category/item.html", 28), "/products/category/item.html");
  EXPECT_EQ(shorten_middle("/products/category/item.html", 17), "/product…tem.html");
  EXPECT_EQ(shorten_middle("/products/category/item.html", 16), "/produc…tem.html");
  EXPECT_EQ(shorten_middle("abcdef", 2), "a…");
  EXPECT_EQ(shorten_middle("日本語日本語", 8), "日…本語");
  EXPECT_EQ(shorten_middle("aaaae\u0301bbb", 6), "aa…bbb");  // the accent goes with its letter
  for (size_t width = 0; width < 14; ++width) {
    EXPECT_LE(columns_of(shorten_middle("日a本e\u0301語🙂xyz", width)), width);
    EXPECT_LE(columns_of(shorten_end("日a本e\u0301語🙂xyz", width)), width);
  }
}

}  // namespace
}  // namespace leat
