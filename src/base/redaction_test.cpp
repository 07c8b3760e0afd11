#include "base/redaction.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

using Secrets = std::vector<std::string>;

TEST(Redaction, a_url_without_secrets_stays_as_it_is) {
  for (const char* url : {"https://api.example.com/v1/items?page=2&sort=name#top", "http://[::1]:8080", "/relative?a=b",
                          "https://h/p@q?mail=a@b.c", "", "?", "https://h/?token=", "https://h/?token&key"}) {
    EXPECT_EQ(shown_url(url), url);
  }
}

TEST(Redaction, user_and_password_of_a_url) {
  EXPECT_EQ(shown_url("https://ann:pa55@h.example/x"), "https://***@h.example/x");
  EXPECT_EQ(shown_url("https://ann@h.example?x=1"), "https://***@h.example?x=1");
  EXPECT_EQ(shown_url("https://ann:p@ss@h.example"), "https://***@h.example");
}

TEST(Redaction, values_of_parameters_that_are_named_like_secrets) {
  EXPECT_EQ(shown_url("https://h/?a=1&token=abc&b=2"), "https://h/?a=1&token=***&b=2");
  EXPECT_EQ(shown_url("https://h/?Api-Key=abc;SIG=x%3D#access_token=y"),
            "https://h/?Api-Key=***;SIG=***#access_token=***");
  EXPECT_EQ(shown_url("https://h/?%74oken=abc"), "https://h/?%74oken=***");
  EXPECT_EQ(shown_url("https://h/?X-Amz-Signature=12&X-Amz-Date=3"), "https://h/?X-Amz-Signature=***&X-Amz-Date=3");
  EXPECT_EQ(shown_url("https://h/?page_token=abc&sort_key=d&monkey=e"),
            "https://h/?page_token=abc&sort_key=d&monkey=e");
}

TEST(Redaction, names) {
  for (const char* name : {"Authorization", "cookie", "Set-Cookie", "X-API-Key", "client_secret", "code", "PASSWORD"}) {
    EXPECT_TRUE(is_secret_name(name)) << name;
  }
  for (const char* name : {"", "page", "next_token", "keys", "tokens", "author", "status_code"}) {
    EXPECT_FALSE(is_secret_name(name)) << name;
  }
}

TEST(Redaction, a_secret_anywhere) {
  EXPECT_EQ(redacted("before s3cret after s3cre", Secrets{"s3cret"}), "before *** after s3cre");
  EXPECT_EQ(redacted("s3crets3cret", Secrets{"s3cret"}), "******");
  EXPECT_EQ(shown_url("https://h/s3cret/x?q=s3cret", Secrets{"s3cret"}), "https://h/***/x?q=***");
  EXPECT_EQ(redacted("none", Secrets{"", "other"}), "none");
  EXPECT_EQ(redacted("page 12 of 123", Secrets{"12", "123"}), "page 12 of 123") << "too short to be looked for";
}

TEST(Redaction, a_secret_that_is_encoded) {
  const Secrets secrets{"a b/c%"};
  for (const char* text : {"a b/c%", "a%20b%2Fc%25", "a+b%2fc%25", "%61%20%62%2F%63%25"}) {
    EXPECT_EQ(redacted("<" + std::string(text) + ">", secrets), "<***>") << text;
  }
  EXPECT_EQ(redacted("a%2 b", secrets), "a%2 b");
  EXPECT_EQ(redacted("<a%25>", Secrets{"a%25"}), "<***>") << "as it is";
}

TEST(Redaction, the_longest_of_several_secrets) {
  EXPECT_EQ(redacted("abcdefg", Secrets{"abcd", "abcdef"}), "***g");
}

TEST(ShownLine, HidesWhatIsSecretAndKeepsItsPlace) {
  for (const auto& [line, shown] : std::vector<std::pair<std::string, std::string>>{
           {R"(url = "postgresql://loader:hünter2@db/x?a=b")", R"(url = "postgresql://loader:*******@db/x?a=b")"},
           {R"(url = "https://a:b:c@d@e/x@y:z", to = "http://u:p@h")",
            R"(url = "https://a:*****@e/x@y:z", to = "http://u:*@h")"},
           {R"(pasword = "x", password = 'hunter2' # it)", R"(pasword = "x", password = '*******' # it)"},
           {R"(auth = { type = "bearer", token = "abc)", R"(auth = { type = "bearer", token = "***)"},
           {R"("token"="abc")", R"("token"="***")"},
           {R"(url = "postgresql://u:${env:PW}@db/x")", R"(url = "postgresql://u:${env:PW}@db/x")"},
           {R"(password = "${file:pw}")", R"(password = "${file:pw}")"},
           {R"(key = ["id"], path = "a://b", x = "c:d@e")", R"(key = ["id"], path = "a://b", x = "c:d@e")"},
           {"= = ==", "= = =="},
           {"", ""}}) {
    EXPECT_EQ(shown_line(line), shown);
  }
}

}  // namespace
}  // namespace leat
