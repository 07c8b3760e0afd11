#include "app/frame.h"

#include <gtest/gtest.h>

namespace leat::app {
namespace {

std::string line(const Frame& frame) {
  std::string text = frame.text();
  return text.substr(0, text.find('\n'));
}

TEST(Frame, TextGoesWhereItIsPut) {
  Frame frame(10, 2);
  EXPECT_EQ(frame.put(0, 1, "abc"), 4U);
  frame.put_right(0, 10, "xyz");
  frame.put(1, 8, "beyond");
  frame.put(7, 0, "no such row");
  EXPECT_EQ(frame.text(), " abc   xyz\n        be\n");
}

TEST(Frame, WideCharactersKeepTheColumns) {
  Frame frame(8, 1);
  EXPECT_EQ(frame.put(0, 0, "日本"), 4U);
  frame.put(0, 4, "|");
  EXPECT_EQ(line(frame), "日本|");
  frame.put(0, 1, "x");  // half of a wide one is overwritten: the other half goes
  EXPECT_EQ(line(frame), " x本|");
  frame.put(0, 2, "y");
  EXPECT_EQ(line(frame), " xy |");
  Frame narrow(3, 1);
  EXPECT_EQ(narrow.put(0, 0, "日本"), 2U);  // does not fit in half
  EXPECT_EQ(line(narrow), "日");
}

TEST(Frame, MarksStayWithTheirLetterAndTowersAreCut) {
  Frame frame(6, 1);
  EXPECT_EQ(frame.put(0, 0, "e\u0301a"), 2U);
  EXPECT_EQ(line(frame), "e\u0301a");
  std::string tower = "z";
  for (int i = 0; i < 100; ++i) tower += "\u0301";
  Frame other(6, 1);
  EXPECT_EQ(other.put(0, 0, tower + "|"), 2U);
  EXPECT_LT(line(other).size(), 20U);
  EXPECT_TRUE(line(other).ends_with("|"));
  EXPECT_EQ(frame.put(0, 3, "\u0301b"), 4U);  // of no letter: it must not go to what stands before
  EXPECT_EQ(line(frame), "e\u0301a b");
}

TEST(Frame, NothingInvisibleThatTurnsTextAround) {
  Frame frame(12, 1);
  EXPECT_EQ(frame.put(0, 0, "a\u202Ecba\u200B\u2066z\uFE0F"), 5U);
  EXPECT_EQ(line(frame), "acbaz");
}

TEST(Frame, BarsToAnEighth) {
  Frame frame(8, 1);
  frame.put_bar(0, 0, 4, 0.5);
  EXPECT_EQ(line(frame), "██");
  for (const auto& [share, bar] : {std::pair{1.0, "████"}, {0.53, "██▏"}, {0.0, ""}, {7.0, "████"}, {-1.0, ""}}) {
    Frame other(8, 1);
    other.put_bar(0, 0, 4, share);
    EXPECT_EQ(line(other), bar) << share;
  }
}

TEST(Frame, OnlyLinesThatDifferAreWritten) {
  Frame before(6, 3);
  before.put(0, 0, "same");
  before.put(1, 0, "before");
  before.put(2, 0, "gone");
  Frame after(6, 3);
  after.put(0, 0, "same");
  after.put(1, 0, "after", Style::bad);
  EXPECT_EQ(after.bytes(&before, true), "\x1B[?2026h\x1B[2;1H\x1B[0;1;31mafter\x1B[0m\x1B[K\x1B[3;1H\x1B[K\x1B[?2026l");
  EXPECT_EQ(after.bytes(&before, false), "\x1B[?2026h\x1B[2;1H\x1B[0;1mafter\x1B[0m\x1B[K\x1B[3;1H\x1B[K\x1B[?2026l");
  EXPECT_EQ(after.bytes(&after, true), "");
}

TEST(Frame, AFreshTerminalGetsAllOfIt) {
  Frame frame(4, 2);
  frame.put(0, 0, "日a");
  frame.put(1, 0, "full");
  // After a character whose width a terminal may see otherwise, the column is given by its number.
  const std::string all = "\x1B[?2026h\x1B[0m\x1B[2J\x1B[1;1H日\x1B[3Ga\x1B[K\x1B[2;1Hfull\x1B[?2026l";
  EXPECT_EQ(frame.bytes(nullptr, true), all);
  const Frame other(5, 2);
  EXPECT_EQ(frame.bytes(&other, true), all);
}

TEST(Frame, ColourIsSwitchedOff) {
  Frame frame(9, 1);
  frame.put(0, 0, "a", Style::good);
  frame.put(0, 1, "b", Style::warning);
  frame.put(0, 2, "c", Style::bar);
  frame.put(0, 3, "d", Style::heading);
  const std::string bytes = frame.bytes(nullptr, false);
  for (int code = 30; code < 48; ++code) EXPECT_EQ(bytes.find(";" + std::to_string(code)), std::string::npos) << bytes;
  EXPECT_NE(frame.bytes(nullptr, true).find(";32"), std::string::npos);
}

}  // namespace
}  // namespace leat::app
