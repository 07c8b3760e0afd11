#include "config/complaints.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

TEST(Complaints, AllAreToldInTheOrderOfTheFile) {
  Complaints complaints("web.toml", "one\ntwo three\n");
  complaints.add({2, 5, 5}, "second");
  complaints.add({1, 1, 3}, "first");
  complaints.add({}, "of the whole");
  EXPECT_EQ(complaints.text(),
            "web.toml: of the whole\n"
            "web.toml:1:1: first\n  one\n  ^~~\n"
            "web.toml:2:5: second\n  two three\n      ^~~~~");
  EXPECT_EQ(complaints.status().kind(), Kind::bad_config);
  EXPECT_TRUE(Complaints("x", "").status().ok());
}

TEST(Complaints, TheCaretStandsBelowTheCharacterWhateverComesBefore) {
  EXPECT_EQ(excerpt("\tä = \x1B[x", {1, 6, 1}), "   ä = \\x1B[x\n       ^~~~");
  EXPECT_EQ(excerpt("abc\r\n", {1, 4, 1}), "  abc\n     ^");
  EXPECT_EQ(excerpt("abc", {7, 1, 1}), "");
  EXPECT_EQ(excerpt("abc", {}), "");
}

TEST(Complaints, ALongLineIsShownInPart) {
  const std::string line(1000, 'x');
  const std::string shown = excerpt(line, {1, 500, 1});
  EXPECT_LT(shown.size(), 300U);
  EXPECT_NE(shown.find("…"), std::string::npos);
  const size_t newline = shown.find('\n');
  ASSERT_NE(newline, std::string::npos);
  EXPECT_EQ(shown.back(), '^');
}

TEST(Complaints, SuggestionsNameTheNearestOrAll) {
  EXPECT_EQ(suggestion("tabel", {"table", "path"}), " (did you mean 'table'?)");
  EXPECT_EQ(suggestion("zzz", {"table", "path"}), " (there are: table, path)");
  EXPECT_EQ(suggestion("zzz", {"path"}), " (there is only: path)");
  EXPECT_EQ(suggestion("zzz", {}), "");
}

}  // namespace
}  // namespace leat
