#include "server/access.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

HttpRequest request_with(HttpHeaders headers) {
  HttpRequest request;
  request.headers = std::move(headers);
  request.local_address = "127.0.0.1";
  return request;
}

TEST(Access, Hosts) {
  const auto allowed = [](const char* host) {
    return is_host_allowed(request_with({{"host", host}}), {"db.example.org"});
  };
  for (const char* good :
       {"localhost", "localhost:8080", "LocalHost:1", "127.0.0.1", "127.0.0.1:8080", "DB.example.org:443"}) {
    EXPECT_TRUE(allowed(good)) << good;
  }
  for (const char* bad : {"", ":80", "evil.com", "localhost.evil.com", "127.0.0.1.evil.com", "db.example.org.", "[::1]",
                          "[127.0.0.1", "0.0.0.0", "127.0.0.2"}) {
    EXPECT_FALSE(allowed(bad)) << bad;
  }
  EXPECT_FALSE(is_host_allowed(request_with({}), {}));
  EXPECT_FALSE(is_host_allowed(request_with({{"Host", "localhost"}, {"HOST", "evil.com"}}), {}));
  HttpRequest six = request_with({{"Host", "[::1]:8080"}});
  six.local_address = "::1";
  EXPECT_TRUE(is_host_allowed(six, {}));
}

TEST(Access, Origins) {
  const auto allowed = [](const char* origin) {
    return is_origin_allowed(request_with({{"Host", "localhost:8080"}, {"Origin", origin}}),
                             {"https://app.example.org"});
  };
  EXPECT_TRUE(is_origin_allowed(request_with({}), {}));
  EXPECT_TRUE(allowed("http://localhost:8080"));
  EXPECT_TRUE(allowed("https://app.example.org"));
  for (const char* bad : {"null", "http://localhost", "https://app.example.org.evil.com", "https://app.example.org/"}) {
    EXPECT_FALSE(allowed(bad)) << bad;
  }
}

TEST(Access, Tokens) {
  const auto has = [](const char* value) { return has_token(request_with({{"Authorization", value}}), "s3cret"); };
  EXPECT_TRUE(has("Bearer s3cret"));
  EXPECT_TRUE(has("bearer s3cret"));
  for (const char* bad :
       {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3creT", "Bearer s3cret ", "Basic s3cret", "s3cret"}) {
    EXPECT_FALSE(has(bad)) << bad;
  }
  EXPECT_FALSE(has_token(request_with({}), "s3cret"));
}

TEST(Access, Formats) {
  EXPECT_EQ(accepted_format(""), RowFormat::json);
  EXPECT_EQ(accepted_format("*/*"), RowFormat::json);
  EXPECT_EQ(accepted_format("text/*"), RowFormat::csv);
  EXPECT_EQ(accepted_format("application/xml"), RowFormat::xml);
  EXPECT_EQ(accepted_format("text/xml"), RowFormat::xml);
  EXPECT_EQ(accepted_format("application/json;q=0.5, text/csv"), RowFormat::csv);
  EXPECT_EQ(accepted_format("application/x-ndjson, */*;q=0.1"), RowFormat::ndjson);
  EXPECT_EQ(accepted_format("application/json;q=0, */*"), RowFormat::ndjson);
  EXPECT_EQ(accepted_format("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), RowFormat::json);
  EXPECT_EQ(accepted_format("image/png"), std::nullopt);
  EXPECT_EQ(accepted_format("application/json;q=0"), std::nullopt);
}

TEST(Access, Gzip) {
  EXPECT_TRUE(accepts_gzip("deflate, gzip, br"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(accepts_gzip("identity"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0, *"));
  EXPECT_FALSE(accepts_gzip("gzip; q=none"));
}

TEST(Access, Etags) {
  EXPECT_TRUE(names_etag("\"b\", W/\"a\"", "\"a\""));
  EXPECT_TRUE(names_etag("*", "\"a\""));
  EXPECT_FALSE(names_etag("", "\"a\""));
  EXPECT_FALSE(names_etag("a", "\"a\""));
}

}  // namespace
}  // namespace leat
