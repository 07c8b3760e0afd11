#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/percent.h"

namespace leat {
namespace {

TEST(Percent, GoesThereAndBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decoded(percent_encoded(all)), all);
  EXPECT_EQ(percent_encoded("aZ09-._~ %/\xC3"), "aZ09-._~%20%25%2F%C3");
  EXPECT_EQ(percent_decoded("100%, %4, %zz"), "100%, %4, %zz");
  EXPECT_EQ(form_encoded({{"a b", "1&2"}, {"c", ""}}), "a%20b=1%262&c=");
}

// RFC 4648 §10.
TEST(Base64, OfEveryLength) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFB\xEF\xFF\x01"), "++//AQ==");
  EXPECT_EQ(base64url("\xFB\xEF\xFF\x01"), "--__AQ");
  for (const std::string text : {"", "f", "fo", "foo", "foobar", "\xFB\xEF\xFF\x01"})
    EXPECT_EQ(from_base64(base64(text)), text);
  for (const char* bad : {"Zg", "Zg=", "Z!==", "--__"}) EXPECT_FALSE(from_base64(bad)) << bad;
}

}  // namespace
}  // namespace leat
