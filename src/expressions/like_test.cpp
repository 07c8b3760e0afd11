#include "expressions/like.h"

#include <gtest/gtest.h>

namespace leat::expressions {
namespace {

bool like(std::string_view text, std::string_view pattern, std::optional<char> escape = std::nullopt) {
  return LikePattern(pattern, escape).matches(text);
}

TEST(Like, WithoutSignsIsEqual) {
  EXPECT_TRUE(like("abc", "abc"));
  EXPECT_TRUE(like("", ""));
  EXPECT_FALSE(like("abc", "ab"));
  EXPECT_FALSE(like("abc", "ABC"));
  EXPECT_FALSE(like("a", ""));
}

TEST(Like, PercentIsAnyText) {
  EXPECT_TRUE(like("", "%"));
  EXPECT_TRUE(like("abc", "a%"));
  EXPECT_TRUE(like("abc", "%c"));
  EXPECT_TRUE(like("abc", "%b%"));
  EXPECT_TRUE(like("abc", "a%%c"));
  EXPECT_TRUE(like("aXbXbc", "a%b%c"));
  EXPECT_FALSE(like("ab", "a%ab"));
  EXPECT_FALSE(like("aba", "ab%ba"));
  EXPECT_TRUE(like("/wp-login.php?x", "%.php%"));
}

TEST(Like, UnderscoreIsOneCharacter) {
  EXPECT_TRUE(like("abc", "a_c"));
  EXPECT_TRUE(like("aüc", "a_c"));
  EXPECT_FALSE(like("ac", "a_c"));
  EXPECT_TRUE(like("abcd", "%__"));
  EXPECT_TRUE(like("xüy", "%_y"));
  EXPECT_FALSE(like("ü", "__"));
  EXPECT_TRUE(like("a\xFF", "a_"));
  EXPECT_TRUE(like("12a34b5", "%a__b_"));
  EXPECT_FALSE(like("12a34b", "%a__b_"));
}

TEST(Like, AnEscapeTakesTheMeaning) {
  EXPECT_TRUE(like("100%", "100\\%", '\\'));
  EXPECT_FALSE(like("100x", "100\\%", '\\'));
  EXPECT_TRUE(like("a_b", "a!_b", '!'));
  EXPECT_FALSE(like("axb", "a!_b", '!'));
  EXPECT_TRUE(like("a!b", "a!!b", '!'));
  EXPECT_TRUE(like("a\\b", "a\\b"));
}

}  // namespace
}  // namespace leat::expressions
