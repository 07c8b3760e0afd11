#include "decoders/log_text.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace leat {
namespace {

std::string decoded(std::string_view logged) {
  std::string out = "before ";
  decode_log_text(logged, out);
  EXPECT_TRUE(is_utf8(out)) << visible(out);
  EXPECT_EQ(out.find('\0'), std::string::npos);
  return out.substr(7);
}

TEST(LogText, EscapesOfNginx) {
  EXPECT_EQ(decoded(R"(quo\x22te \x5Cback)"), R"(quo"te \back)");
  EXPECT_EQ(decoded(R"(\x09tab\x00\x1F\x7F)"), R"(\x09tab\x00\x1F\x7F)");
  EXPECT_EQ(decoded(R"(\xD9\x85\xDA\xAF)"), "مگ");
}

TEST(LogText, EscapesOfApache) {
  EXPECT_EQ(decoded(R"(say \"hi\" \\ there)"), R"(say "hi" \ there)");
  EXPECT_EQ(decoded(R"(a\tb\nc\rd\be\vf)"), R"(a\tb\nc\rd\be\vf)");
  EXPECT_EQ(decoded(R"(\xd9\x85 \x1b)"), R"(م \x1b)");
}

TEST(LogText, BytesThatAreNotUtf8StayVisible) {
  EXPECT_EQ(decoded(R"(utf8 \xD9\x85 \xFF bad)"), R"(utf8 م \xFF bad)");
  EXPECT_EQ(decoded("\xFF\xFE"), R"(\xFF\xFE)");
  EXPECT_EQ(decoded(R"(\xff)"), R"(\xFF)");
  EXPECT_EQ(decoded("\xD9\\x85"), "م");                      // half raw, half escaped
  EXPECT_EQ(decoded(R"(\xD9 \x85)"), R"(\xD9 \x85)");        // not neighbours
  EXPECT_EQ(decoded(R"(\xED\xA0\x80)"), R"(\xED\xA0\x80)");  // a surrogate
  EXPECT_EQ(decoded(R"(\xC0\xAF)"), R"(\xC0\xAF)");          // overlong
  EXPECT_EQ(decoded(R"(\xE2\x82)"), R"(\xE2\x82)");          // cut
  EXPECT_EQ(decoded(R"(\xE2\x82\xAC\xE2)"), R"(€\xE2)");
}

TEST(LogText, ControlCharactersNeverReachACell) {
  EXPECT_EQ(decoded(std::string_view("a\0b\x1B[31m\x7F\t", 10)), R"(a\x00b\x1B[31m\x7F\x09)");
  EXPECT_EQ(decoded("\xC2\x9B"), R"(\xC2\x9B)");  // CSI as one character
  EXPECT_EQ(decoded(R"(\xC2\x9B31m)"), R"(\xC2\x9B31m)");
  EXPECT_EQ(decoded("\xC2\xA0"), "\xC2\xA0");
}

TEST(LogText, WhatIsNoEscapeStays) {
  EXPECT_EQ(decoded(R"(\)"), R"(\)");
  EXPECT_EQ(decoded(R"(\x)"), R"(\x)");
  EXPECT_EQ(decoded(R"(\x4)"), R"(\x4)");
  EXPECT_EQ(decoded(R"(\xG1 \q \x4g)"), R"(\xG1 \q \x4g)");
  EXPECT_EQ(decoded(R"(\\x41)"), R"(\x41)");  // a literal backslash, then text
  EXPECT_EQ(decoded(R"(\x41)"), "A");
  EXPECT_EQ(decoded(""), "");
}

}  // namespace
}  // namespace leat
