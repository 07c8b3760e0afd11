#include "sources/http_url.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

std::string resolved(std::string_view reference, std::string_view base = "http://a/b/c/d;p?q") {
  auto url = resolve_url(base, reference);
  return url.ok() ? *std::move(url) : "! " + url.status().message();
}

TEST(HttpUrl, ReferencesOfRfc3986) {  // §5.4, those that stay http
  EXPECT_EQ(resolved("g"), "http://a/b/c/g");
  EXPECT_EQ(resolved("./g"), "http://a/b/c/g");
  EXPECT_EQ(resolved("g/"), "http://a/b/c/g/");
  EXPECT_EQ(resolved("/g"), "http://a/g");
  EXPECT_EQ(resolved("//g"), "http://g");
  EXPECT_EQ(resolved("?y"), "http://a/b/c/d;p?y");
  EXPECT_EQ(resolved("g?y"), "http://a/b/c/g?y");
  EXPECT_EQ(resolved("g#s"), "http://a/b/c/g");
  EXPECT_EQ(resolved(";x"), "http://a/b/c/;x");
  EXPECT_EQ(resolved(""), "http://a/b/c/d;p?q");
  EXPECT_EQ(resolved("."), "http://a/b/c/");
  EXPECT_EQ(resolved(".."), "http://a/b/");
  EXPECT_EQ(resolved("../g"), "http://a/b/g");
  EXPECT_EQ(resolved("../.."), "http://a/");
  EXPECT_EQ(resolved("../../../g"), "http://a/g");
  EXPECT_EQ(resolved("./g/."), "http://a/b/c/g/");
  EXPECT_EQ(resolved("g/../h"), "http://a/b/c/h");
  EXPECT_EQ(resolved("g;x=1/../y"), "http://a/b/c/y");
  EXPECT_EQ(resolved("g?y/../x"), "http://a/b/c/g?y/../x");
}

TEST(HttpUrl, NextLinksAsApisWriteThem) {
  EXPECT_EQ(resolved("\n https://h/x?a=1&b=2 \n"), "https://h/x?a=1&b=2");
  EXPECT_EQ(resolved("/v2?c=http://x/y", "https://h:8443/v1"), "https://h:8443/v2?c=http://x/y");
  EXPECT_EQ(resolved("next", "https://h"), "https://h/next");
  EXPECT_EQ(resolved("?page=2", "https://h?page=1"), "https://h?page=2");
  EXPECT_EQ(resolved("file:///etc/passwd"),
            "! 'file:///etc/passwd' is not a URL of http or https without user and password");
  EXPECT_EQ(resolved("http://u:p@h/"), "! 'http://u:p@h/' is not a URL of http or https without user and password");
  EXPECT_EQ(resolved("http://h/a b"), "! 'http://h/a b' is not a URL: it has spaces or control characters in it");
  EXPECT_EQ(resolved("http://h/\r\nX: y").substr(0, 1), "!");
}

TEST(HttpUrl, Origins) {
  EXPECT_EQ(origin_of("HTTPS://Api.Example.com/x"), "https://api.example.com:443");
  EXPECT_EQ(origin_of("http://h:/x"), "http://h:80");
  EXPECT_EQ(origin_of("http://[::1]:8080?x"), "http://[::1]:8080");
  EXPECT_EQ(origin_of("https://h:8443"), "https://h:8443");
  for (const char* bad :
       {"", "h/x", "ftp://h", "http://", "http://u@h", "http://h:0", "http://h:x", "http://[::1", "https://a\\@b/"}) {
    EXPECT_EQ(origin_of(bad), "") << bad;
  }
}

TEST(HttpUrl, Parameters) {
  EXPECT_EQ(with_parameter("http://h/x", "a b", "1&2"), "http://h/x?a%20b=1%262");
  EXPECT_EQ(with_parameter("http://h/x?", "a", "1"), "http://h/x?a=1");
  EXPECT_EQ(with_parameter("http://h/x?a=1&page=2&b=3", "page", "3"), "http://h/x?a=1&page=3&b=3");
  EXPECT_EQ(with_parameter("http://h/x?page", "page", "3"), "http://h/x?page=3");
  EXPECT_EQ(with_parameter("http://h/x?xpage=1", "page", "3"), "http://h/x?xpage=1&page=3");
  EXPECT_EQ(parameter_of("http://h/x?a=1&b%5B%5D=x+y%21", "b[]"), "x y!");
  EXPECT_EQ(parameter_of("http://h/x?a", "a"), "");
  EXPECT_EQ(parameter_of("http://h/x", "a"), std::nullopt);
}

}  // namespace
}  // namespace leat
