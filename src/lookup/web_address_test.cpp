#include "lookup/web_address.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace leat {
namespace {

TEST(Path, IsWhatStandsBeforeTheQuery) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"/", "/"},
      {"/a/b?c=d#e", "/a/b"},
      {"/a#b?c", "/a"},
      {"?x", ""},
      {"", ""},
      {"*", "*"},
      {"http://host/x?y", "/x"},
      {"http://host", "/"},
      {"HtTpS://host:8443?x=/y", "/"},
      {"http://", "/"},
      {"https:/x", "https:/x"},
      {"ftp://host/x", "ftp://host/x"},
      {"host:443", "host:443"},
      {"//host/x", "//host/x"},
      {"/http://host/x", "/http://host/x"},
      {"/%3Fx?y", "/%3Fx"},
  };
  for (const auto& [target, path] : cases) EXPECT_EQ(path_of(target), path) << target;
}

TEST(Site, IsTheHostOfAReferer) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"https://www.example.org/a/b?c", "example.org"},
      {"http://example.org", "example.org"},
      {"http://example.org?x", "example.org"},
      {"http://example.org#x", "example.org"},
      {"http://example.org:8080/", "example.org"},
      {"http://user:secret@example.org/", "example.org"},
      {"http://example.org./", "example.org"},
      {"https://WWW.Example.ORG/", "Example.ORG"},
      {"https://www.com/", "www.com"},
      {"https://www./", "www"},
      {"http://[2001:db8::1]/", "[2001:db8::1]"},
      {"http://[2001:db8::1]:80/", "[2001:db8::1]"},
      {"android-app://com.google.android.gm/", "com.google.android.gm"},
      {"http://a\\b", "a"},
      {"http:///x", ""},
      {"http://", ""},
      {"://x", ""},
      {"", ""},
      {"-", ""},
      {"/local", ""},
      {"example.org", ""},
      {"() { :;}; http://example.org", ""},
  };
  for (const auto& [referer, site] : cases) EXPECT_EQ(site_of_referer(referer), site) << referer;
}

}  // namespace
}  // namespace leat
