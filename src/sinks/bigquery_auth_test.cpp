#include "sinks/bigquery_auth.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <map>

#include "base/base64.h"
#include "base/json_at.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"
#include "tests/support/temp_dir.h"

namespace leat {
namespace {

using testing::FakeAnswer;
using testing::FakeClock;
using testing::FakeHttp;
using testing::TempDir;

// One key for all tests: to make it takes a moment.
EVP_PKEY* key() {
  static EVP_PKEY* made = EVP_RSA_gen(2048);
  return made;
}

std::string key_pem() {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key(), nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(bio);
  return pem;
}

std::string service_account() {
  JsonWriter json;
  json.begin_object()
      .field("type", "service_account")
      .field("project_id", "p")
      .field("private_key_id", "k1")
      .field("private_key", std::string_view(key_pem()))
      .field("client_email", "loader@p.example")
      .field("token_uri", "http://tokens/token")
      .end_object();
  return json.text();
}

constexpr std::string_view kUser =
    R"({"type":"authorized_user","client_id":"id","client_secret":"sec-hush","refresh_token":"1//ref-hush"})";

GoogleCredentials credentials_of(std::string_view content) {
  auto parsed = parse_google_credentials(content, "key.json");
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return *std::move(parsed);
}

std::string problem_of(std::string_view content) {
  const auto parsed = parse_google_credentials(content, "key.json");
  EXPECT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().kind(), Kind::bad_config);
  return parsed.status().message();
}

FakeAnswer token(const std::string& text, int seconds) {
  return {.pieces = {R"({"access_token":")" + text + R"(","expires_in":)" + std::to_string(seconds) + "}"}};
}

TEST(BigQueryAuth, ReadsWhatGoogleGives) {
  const GoogleCredentials account = credentials_of(service_account());
  EXPECT_EQ(account.login, GoogleLogin::service_account);
  EXPECT_EQ(account.email, "loader@p.example");
  EXPECT_EQ(account.project, "p");
  EXPECT_EQ(account.token_url, "http://tokens/token");
  const GoogleCredentials user = credentials_of(kUser);
  EXPECT_EQ(user.login, GoogleLogin::authorized_user);
  EXPECT_EQ(user.token_url, "https://oauth2.googleapis.com/token");
}

TEST(BigQueryAuth, SaysWhatAFileLacks) {
  EXPECT_EQ(problem_of("not json"),
            "key.json: this is no file of credentials: it must be JSON with a \"type\", as Google's console gives it");
  EXPECT_EQ(problem_of(R"({"type":"external_account"})"),
            "key.json: credentials of type 'external_account' are not known here; use a key of a service account, or "
            "`gcloud auth application-default login`");
  EXPECT_EQ(problem_of(R"({"type":"authorized_user","client_id":"id"})"),
            "key.json: credentials of type 'authorized_user' without 'client_secret'");
}

TEST(BigQueryAuth, LooksWhereGooglesToolsLook) {
  const TempDir folder;
  folder.write("named.json", std::string(kUser));
  std::map<std::string, std::string> variables{{"GOOGLE_APPLICATION_CREDENTIALS", folder.path("named.json")}};
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  const auto login = [&] {
    const auto found = find_google_credentials(os::file_system(), environment);
    EXPECT_TRUE(found.ok());
    return found.ok() ? found->login : GoogleLogin::none;
  };
  EXPECT_EQ(login(), GoogleLogin::authorized_user);
  variables = {{"HOME", folder.path("none")}, {"GCE_METADATA_HOST", "127.0.0.1:1"}};
  EXPECT_EQ(login(), GoogleLogin::metadata);
  folder.write("application_default_credentials.json", service_account());
  variables["CLOUDSDK_CONFIG"] = folder.path("");
  EXPECT_EQ(login(), GoogleLogin::service_account);
  variables["GOOGLE_APPLICATION_CREDENTIALS"] = folder.path("gone.json");
  EXPECT_EQ(find_google_credentials(os::file_system(), environment).status().kind(), Kind::bad_config);
}

TEST(BigQueryAuth, AJwtIsSignedByTheKey) {
  const GoogleCredentials account = credentials_of(service_account());
  const auto jwt = make_jwt(account, 1'700'000'000'000'000);
  ASSERT_TRUE(jwt.ok()) << jwt.status().message();
  const std::vector<std::string_view> parts = split(*jwt, '.');
  ASSERT_EQ(parts.size(), 3);
  EXPECT_EQ(parts[0], base64url(R"({"alg":"RS256","typ":"JWT","kid":"k1"})"));
  EXPECT_EQ(parts[1], base64url(R"({"iss":"loader@p.example","scope":"https://www.googleapis.com/auth/bigquery",)"
                                R"("aud":"http://tokens/token","iat":1700000000,"exp":1700003600})"));
  // RS256 is the same each time: what OpenSSL signs by itself.
  const std::string text(std::string_view(*jwt).substr(0, jwt->rfind('.')));
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  std::string signature(256, '\0');
  size_t size = signature.size();
  ASSERT_EQ(EVP_DigestSignInit(digest, nullptr, EVP_sha256(), nullptr, key()), 1);
  ASSERT_EQ(EVP_DigestSign(digest, reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(text.data()), text.size()),
            1);
  EVP_MD_CTX_free(digest);
  EXPECT_EQ(parts[2], base64url(signature));
  GoogleCredentials spoilt = account;
  spoilt.private_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  EXPECT_EQ(make_jwt(spoilt, 0).status().message(),
            "key.json: 'private_key' is no RSA key as PEM; take the file as Google's console gives it");
}

TEST(BigQueryAuth, ATokenIsRenewedBeforeItEnds) {
  FakeClock clock;
  FakeHttp http({token("first", 3600), token("second", 3600), token("third", 3600)});
  GoogleAuth auth(credentials_of(kUser), clock);
  EXPECT_EQ(*auth.authorization(http, {}), "Bearer first");
  clock.advance_ms(54 * 60'000);
  EXPECT_EQ(*auth.authorization(http, {}), "Bearer first");
  clock.advance_ms(2 * 60'000);
  EXPECT_EQ(*auth.authorization(http, {}), "Bearer second");
  auth.forget();
  EXPECT_EQ(*auth.authorization(http, {}), "Bearer third");
  ASSERT_EQ(http.requests().size(), 3);
  EXPECT_EQ(http.requests()[0].url, "https://oauth2.googleapis.com/token");
  EXPECT_EQ(http.requests()[0].body,
            "grant_type=refresh_token&client_id=id&client_secret=sec-hush&refresh_token=1%2F%2Fref-hush");
}

TEST(BigQueryAuth, OfTheMachineThatLeatRunsOn) {
  FakeClock clock;
  FakeHttp http({token("machine", 100)});
  GoogleCredentials machine;
  machine.login = GoogleLogin::metadata;
  machine.token_url = "http://metadata/token";
  GoogleAuth auth(machine, clock);
  EXPECT_EQ(*auth.authorization(http, {}), "Bearer machine");
  clock.advance_ms(49'000);
  EXPECT_EQ(*auth.authorization(http, {}), "Bearer machine");
  EXPECT_EQ(http.requests()[0].method, "GET");
  EXPECT_EQ(http.requests()[0].headers, (os::HttpHeaders{{"Metadata-Flavor", "Google"}}));
}

TEST(BigQueryAuth, WhatIsRefusedIsSaid) {
  FakeClock clock;
  FakeHttp http({{.status = 400, .pieces = {R"({"error":"invalid_grant","error_description":"Bad Request"})"}},
                 {.status = 503, .pieces = {"busy"}}});
  GoogleAuth auth(credentials_of(kUser), clock);
  const Status refused = auth.authorization(http, {}).status().clone();
  EXPECT_EQ(refused.kind(), Kind::bad_config);
  EXPECT_EQ(
      refused.message(),
      "key.json: no access token: the server answers 400 'invalid_grant': Bad Request; is the key still valid, and "
      "this machine's clock right?");
  EXPECT_EQ(auth.authorization(http, {}).status().kind(), Kind::retry);
}

TEST(BigQueryAuth, NoneIsNoHeader) {
  FakeClock clock;
  FakeHttp http(std::vector<FakeAnswer>{});
  GoogleAuth auth({}, clock);
  EXPECT_EQ(*auth.authorization(http, {}), "");
  EXPECT_TRUE(http.requests().empty());
}

}  // namespace
}  // namespace leat
