#include "sources/http_auth.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/json_at.h"
#include "config/toml.h"
#include "tests/support/fake_http.h"

namespace leat {
namespace {

using leat::testing::FakeAnswer;
using leat::testing::FakeClock;
using leat::testing::FakeHttp;
using leat::testing::in_pieces;

constexpr const char* kOrigin = "https://api.example.com:443";
constexpr const char* kPage = "https://api.example.com/items?page=1";

struct Checked {
  HttpAuthRules rules;
  std::string errors;
};

// `auth`: the value of the option.
Checked rules_of(const std::string& auth) {
  constexpr std::array<Option, 1> kOptions{
      {{.name = "auth", .type = OptionType::section, .inner = kHttpAuthOptions, .help = "credentials"}}};
  const std::string text = "auth = " + auth;
  Complaints complaints("f.toml", text);
  const Value root = parse_toml(text, complaints);
  const Settings settings = check_options({root, {1, 1, 1}, kOptions, "source 'http'", "/"}, complaints);
  check_http_auth(settings.section("auth"), complaints);
  return {http_auth_rules(settings.section("auth")), complaints.text()};
}

// Credentials and the server that they are for.
class HttpAuthTest : public ::testing::Test {
 protected:
  void begin(const std::string& auth, std::vector<FakeAnswer> answers = {}) {
    const Checked checked = rules_of(auth);
    ASSERT_EQ(checked.errors, "");
    auth_ = std::make_unique<HttpAuth>(checked.rules, kOrigin, clock_);
    http_ = std::make_unique<FakeHttp>(std::move(answers));
  }
  // What prepare() comes to: "" when requests can be sent.
  std::string prepare() {
    for (int i = 0; i < 100; ++i) {
      const auto ready = auth_->prepare(*http_);
      if (!ready.ok()) return std::string(name_of(ready.status().kind())) + ": " + ready.status().message();
      if (*ready) return "";
      http_->wait(250);
    }
    return "never";
  }
  // The request as it is sent: its URL and headers.
  std::string sent(const char* url = kPage, os::HttpHeaders headers = {}) {
    os::HttpRequest request{.url = url, .headers = std::move(headers)};
    generation_ = auth_->add_to(request);
    std::string out = request.url == url ? "" : request.url;
    for (const auto& [name, value] : request.headers) out += name + ": " + value + "\n";
    return out;
  }
  // The i-th request that was sent by the auth itself.
  [[nodiscard]] std::string asked(size_t i) const {
    const os::HttpRequest& request = http_->requests().at(i);
    std::string out = request.method + " " + request.url + "\n";
    for (const auto& [name, value] : request.headers) out += name + ": " + value + "\n";
    return out + request.body;
  }
  [[nodiscard]] bool is_secret(const std::string& text) const {
    const auto all = auth_->secrets();
    return std::find(all.begin(), all.end(), text) != all.end();
  }

  FakeClock clock_;
  std::unique_ptr<HttpAuth> auth_;
  std::unique_ptr<FakeHttp> http_;
  uint64_t generation_ = 0;
};

FakeAnswer token_answer(const std::string& json) {
  return {.pieces = in_pieces(json, 7)};
}

TEST_F(HttpAuthTest, nothing_is_wanted) {
  begin("{}");
  EXPECT_EQ(prepare(), "");
  EXPECT_EQ(sent(), "");
  EXPECT_FALSE(auth_->refused(generation_));
}

TEST_F(HttpAuthTest, what_is_sent_with_each_request) {
  begin("{ type = 'basic', username = 'Aladdin', password = 'open sesame' }");
  EXPECT_EQ(prepare(), "");
  EXPECT_EQ(sent(), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n");
  EXPECT_TRUE(is_secret("QWxhZGRpbjpvcGVuIHNlc2FtZQ==") && is_secret("open sesame"));
  EXPECT_FALSE(auth_->refused(generation_));
  begin("{ type = 'basic', username = 'u', password = '' }");
  EXPECT_EQ(sent(), "Authorization: Basic dTo=\n");
  begin("{ type = 'bearer', token = 't0' }");
  EXPECT_EQ(sent(kPage, {{"authorization", "other"}, {"X", "y"}}), "X: y\nAuthorization: Bearer t0\n");
  begin("{ type = 'api_key', key = 'k', header = 'X-Key' }");
  EXPECT_EQ(sent(), "X-Key: k\n");
  begin("{ type = 'api_key', key = 'k&', param = 'key' }");
  EXPECT_EQ(sent(), "https://api.example.com/items?page=1&key=k%26");
  EXPECT_TRUE(http_->requests().empty());
}

TEST_F(HttpAuthTest, credentials_stay_at_their_origin) {
  for (const char* auth : {"{ type = 'basic', username = 'u', password = 'p' }", "{ type = 'bearer', token = 't' }",
                           "{ type = 'api_key', key = 'k', param = 'key' }"}) {
    begin(auth);
    for (const char* url : {"http://api.example.com/", "https://api.example.com:8443/", "https://example.com/",
                            "https://api.example.com.evil.example/", "https://api.example.com@evil.example/"}) {
      EXPECT_EQ(sent(url), "") << auth << " " << url;
    }
    EXPECT_NE(sent("https://API.example.com/other"), "") << auth;
  }
}

TEST_F(HttpAuthTest, a_token_is_asked_for) {
  begin(
      "{ type = 'oauth2_client_credentials', token_url = 'https://id.example.com/token', client_id = 'me&',"
      " client_secret = 's3cret', scope = 'a b', params = { audience = 'x' } }",
      {token_answer("{\"access_token\": \"t1\", \"token_type\": \"bearer\", \"expires_in\": 3600}"),
       token_answer("{\"access_token\": \"t2\", \"expires_in\": \"3600\"}")});
  EXPECT_EQ(prepare(), "");
  EXPECT_EQ(asked(0),
            "POST https://id.example.com/token\nAccept: application/json\n"
            "Content-Type: application/x-www-form-urlencoded\n"
            "grant_type=client_credentials&client_id=me%26&client_secret=s3cret&scope=a%20b&audience=x");
  EXPECT_EQ(sent(), "Authorization: Bearer t1\n");
  EXPECT_TRUE(is_secret("s3cret") && is_secret("t1"));
  clock_.advance_ms(3'539'000);
  EXPECT_EQ(prepare(), "");
  EXPECT_EQ(http_->requests().size(), 1U);
  clock_.advance_ms(2000);  // a minute before it ends
  EXPECT_EQ(prepare(), "");
  EXPECT_EQ(sent(), "Authorization: Bearer t2\n");
  EXPECT_EQ(http_->requests().size(), 2U);
}

TEST_F(HttpAuthTest, a_client_may_say_who_it_is_in_a_header) {
  begin(
      "{ type = 'oauth2_client_credentials', token_url = 'https://id.example.com/token', client_id = 'me',"
      " client_secret = 'a:b', client_auth = 'basic' }",
      {token_answer("{\"access_token\": \"t1\"}")});
  EXPECT_EQ(prepare(), "");
  EXPECT_EQ(asked(0),
            "POST https://id.example.com/token\nAccept: application/json\nAuthorization: Basic bWU6YSUzQWI=\n"
            "Content-Type: application/x-www-form-urlencoded\ngrant_type=client_credentials");
  clock_.advance_ms(100 * 86'400'000ULL);
  EXPECT_EQ(prepare(), "") << "it has no end";
  EXPECT_EQ(http_->requests().size(), 1U);
}

TEST_F(HttpAuthTest, a_token_that_is_refused_is_asked_for_anew_once) {
  begin(
      "{ type = 'oauth2_client_credentials', token_url = 'https://id.example.com/token', client_id = 'me',"
      " client_secret = 's' }",
      {token_answer("{\"access_token\": \"t1\"}"), token_answer("{\"access_token\": \"t2\"}"),
       token_answer("{\"access_token\": \"t3\"}")});
  EXPECT_EQ(prepare(), "");
  sent();
  const uint64_t first = generation_;
  EXPECT_TRUE(auth_->refused(first));
  EXPECT_TRUE(auth_->refused(first)) << "another request with the same token";
  EXPECT_EQ(prepare(), "");
  EXPECT_TRUE(auth_->refused(first)) << "and one that was slow";
  EXPECT_EQ(sent(), "Authorization: Bearer t2\n");
  EXPECT_EQ(http_->requests().size(), 2U);
  auth_->accepted(first);  // of the old token: says nothing of the new one
  const uint64_t second = generation_;
  EXPECT_FALSE(auth_->refused(second));
  auth_->accepted(second);
  EXPECT_TRUE(auth_->refused(second));
  EXPECT_EQ(prepare(), "");
  EXPECT_EQ(sent(), "Authorization: Bearer t3\n");
}

TEST_F(HttpAuthTest, a_token_that_does_not_come) {
  struct Case {
    FakeAnswer answer;
    const char* error;
  };
  for (const Case& one : std::vector<Case>{
           {{.status = 401, .pieces = {"{\"error\": \"invalid_client s3cret\"}"}},
            "bad_config: https://id.example.com/token: no login: the server answers 401: "
            "'{\"error\": \"invalid_client ***\"}'; check `auth`"},
           {{.status = 302, .headers = {{"location", "/login"}}},
            "bad_config: https://id.example.com/token: no login: the server answers 302"},
           {{.status = 503, .headers = {{"retry-after", "7"}}, .pieces = {"busy"}},
            "retry: https://id.example.com/token: no login: the server answers 503: 'busy'"},
           {{.pieces = {"{\"token\": \"t1\"}"}},
            "bad_config: https://id.example.com/token: no login: the answer (15 B) has no 'access_token' in JSON"},
           {{.pieces = {"<html>"}},
            "bad_config: https://id.example.com/token: no login: the answer (6 B) has no 'access_token' in JSON"},
           {{.pieces = std::vector<std::string>(2000, std::string(1000, 'x'))},
            "bad_config: https://id.example.com/token: the answer to the login is larger than 1.0 MiB"},
           {{.status = 0, .failure = "https://id.example.com/token: cannot connect"},
            "retry: https://id.example.com/token: cannot connect"},
       }) {
    begin(
        "{ type = 'oauth2_client_credentials', token_url = 'https://id.example.com/token', client_id = 'me',"
        " client_secret = 's3cret' }",
        {one.answer, token_answer("{\"access_token\": \"t1\"}")});
    EXPECT_EQ(prepare(), one.error);
    EXPECT_EQ(prepare(), "") << "the next time";
    EXPECT_EQ(sent(), "Authorization: Bearer t1\n");
  }
}

TEST_F(HttpAuthTest, a_wait_that_the_server_names) {
  begin(
      "{ type = 'oauth2_client_credentials', token_url = 'https://id.example.com/token', client_id = 'me',"
      " client_secret = 's3cret' }",
      {{.status = 429, .headers = {{"retry-after", "7"}}}});
  for (int i = 0; i < 10; ++i) {
    const auto ready = auth_->prepare(*http_);
    if (ready.ok()) continue;
    EXPECT_EQ(ready.status().retry_after_ms(), 7000U);
    return;
  }
  FAIL();
}

TEST_F(HttpAuthTest, a_session_with_cookies) {
  begin(
      "{ type = 'session', login = { url = 'https://api.example.com/session', params = { action = 'login',"
      " password = 'p&w' }, headers = { X-Requested-With = 'leat' } },"
      " logout = { url = 'https://api.example.com/session', params = { action = 'logout' } } }",
      {{.status = 200,
        .headers = {{"set-cookie", "Session=abc; path=/; HttpOnly"},
                    {"set-cookie", "Old=1"},
                    {"set-cookie", "Gone=x; Max-Age=0"},
                    {"set-cookie", "Empty="},
                    {"set-cookie", "Old=2; Max-Age=60"},
                    {"set-cookie", "nonsense"}},
        .pieces = {"<html>welcome</html>"}},
       {}});
  EXPECT_EQ(prepare(), "");
  EXPECT_EQ(asked(0),
            "POST https://api.example.com/session\nX-Requested-With: leat\n"
            "Content-Type: application/x-www-form-urlencoded\naction=login&password=p%26w");
  EXPECT_EQ(sent(), "Cookie: Session=abc; Old=2\n");
  EXPECT_EQ(sent("https://other.example.com/"), "");
  EXPECT_TRUE(is_secret("abc") && is_secret("p&w"));
  auth_->log_out(*http_);
  EXPECT_EQ(asked(1),
            "POST https://api.example.com/session\nContent-Type: application/x-www-form-urlencoded\n"
            "Cookie: Session=abc; Old=2\naction=logout");
  auth_->log_out(*http_);
  EXPECT_EQ(http_->requests().size(), 2U) << "once";
}

TEST_F(HttpAuthTest, a_session_with_a_token) {
  begin(
      "{ type = 'session', login = { url = 'https://api.example.com/login', params = { v = '2' },"
      " body = '{\"user\": \"u\"}' }, token_path = '/data/token' }",
      {token_answer("{\"data\": {\"token\": \"t1\"}}")});
  EXPECT_EQ(prepare(), "");
  EXPECT_EQ(asked(0), "POST https://api.example.com/login?v=2\nContent-Type: application/json\n{\"user\": \"u\"}");
  EXPECT_EQ(sent(), "Authorization: Bearer t1\n");
  begin(
      "{ type = 'session', login = { url = 'https://api.example.com/login', method = 'GET', params = { u = 'x y' } },"
      " token_header = 'X-Token', header = 'X-Token', prefix = '' }",
      {{.status = 302, .headers = {{"x-token", "t2"}}}});
  EXPECT_EQ(prepare(), "");
  EXPECT_EQ(asked(0), "GET https://api.example.com/login?u=x%20y\n");
  EXPECT_EQ(sent(), "X-Token: t2\n");
}

TEST_F(HttpAuthTest, a_session_that_is_not_opened) {
  const std::string login = "{ type = 'session', login = { url = 'https://api.example.com/login' }";
  struct Case {
    std::string auth;
    const char* error;
  };
  for (const Case& one : std::vector<Case>{
           {login + " }", "the answer (200, 8 B) sets no cookie; check `auth.login`"},
           {login + ", cookies = ['A'] }", "the answer (200, 8 B) sets no cookie 'A'; check `auth.login`"},
           {login + ", token_path = '/t' }", "the answer (200, 8 B) has no text at '/t'; check `auth.login`"},
           {login + ", token_header = 'X-T' }", "the answer (200, 8 B) has no header 'X-T'; check `auth.login`"},
       }) {
    begin(one.auth, {token_answer("{\"a\": 1}")});
    EXPECT_EQ(prepare(), std::string("bad_config: https://api.example.com/login: no login: ") + one.error);
  }
}

TEST_F(HttpAuthTest, a_logout_that_is_not_answered_ends_in_time) {
  begin(
      "{ type = 'session', login = { url = 'https://api.example.com/in' },"
      " logout = { url = 'https://api.example.com/out', method = 'GET' } }",
      {{.headers = {{"set-cookie", "a=b"}}}, {.silent = true}});
  EXPECT_EQ(prepare(), "");
  http_->set_clock(&clock_);
  const uint64_t start = clock_.steady_ms();
  auth_->log_out(*http_, 500);
  EXPECT_EQ(clock_.steady_ms() - start, 500U);
}

TEST(HttpAuthOptions, what_belongs_to_which_type) {
  struct Case {
    const char* auth;
    const char* error;
  };
  for (const Case& one : std::vector<Case>{
           {"{ type = 'basik' }",
            "unknown value 'basik' for 'type' of 'auth' of source 'http' (did you mean 'basic'?)"},
           {"{ username = 'u' }", "'username' needs a 'type' of auth"},
           {"{ type = 'basic', username = 'u' }", "auth of type 'basic' needs 'password'"},
           {"{ type = 'bearer', token = 't', key = 'k' }",
            "'key' does not belong to auth of type 'bearer', which takes token"},
           {"{ type = 'api_key', key = 'k' }", "needs 'header' or 'param', one of them"},
           {"{ type = 'api_key', key = 'k', header = 'a', param = 'b' }", "needs 'header' or 'param', one of them"},
           {"{ type = 'oauth2_client_credentials', token_url = '/t', client_id = 'a', client_secret = 'b' }",
            "'token_url' must be an http or https URL without user and password, not '/t'"},
           {"{ type = 'session', login = { url = 'https://h/', methode = 'GET' } }", "unknown option 'methode'"},
           {"{ type = 'session', login = { url = 'ftp://h/' } }", "'url' must be an http or https URL"},
           {"{ type = 'session' }", "auth of type 'session' needs 'login'"},
           {"{ type = 'session', login = { url = 'https://h/' }, token_path = 'a' }",
            "'token_path' must be a JSON pointer such as \"/data/token\", not 'a'"},
           {"{ type = 'session', login = { url = 'https://h/' }, token_path = '/a', token_header = 'b' }",
            "'token_path' and 'token_header' cannot both say where the token is"},
       }) {
    const std::string errors = rules_of(one.auth).errors;
    EXPECT_NE(errors.find(one.error), std::string::npos) << one.auth << "\n" << errors;
  }
}

TEST(JsonAt, texts_numbers_and_what_is_none) {
  constexpr const char* kDocument = R"({"a": {"b/c": ["x", 12, 1.5, true, null, {}]}, "e": "é\n"})";
  EXPECT_EQ(json_text_at(kDocument, "/a/b~1c/0"), "x");
  EXPECT_EQ(json_text_at(kDocument, "/a/b~1c/1"), "12");
  EXPECT_EQ(json_text_at(kDocument, "/a/b~1c/2"), "1.5");
  EXPECT_EQ(json_text_at(kDocument, "/a/b~1c/3"), "true");
  EXPECT_EQ(json_text_at(kDocument, "/e"), "é\n");
  for (const char* none : {"/a/b~1c/4", "/a/b~1c/5", "/a/b~1c/6", "/a/b~1c/x", "/a/b~1c/-", "/a/b~1c/01",
                           "/a/b~1c/99999999999999999999999", "/z", "", "a", "/~2"}) {
    EXPECT_FALSE(json_text_at(kDocument, none)) << none;
  }
  for (const char* bad : {"", "{", "{} {}", "\xFF", "<a/>"}) EXPECT_FALSE(json_text_at(bad, "/a")) << bad;
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_FALSE(json_text_at(deep, "/a"));
}

}  // namespace
}  // namespace leat
