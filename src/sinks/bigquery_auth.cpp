#include "sinks/bigquery_auth.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <memory>

#include "base/base64.h"
#include "base/json_at.h"
#include "base/json_writer.h"
#include "base/percent.h"
#include "base/text.h"
#include "base/time.h"
#include "sinks/bigquery_http.h"

namespace leat {
namespace {

constexpr std::string_view kScope = "https://www.googleapis.com/auth/bigquery";
constexpr std::string_view kTokenUrl = "https://oauth2.googleapis.com/token";
constexpr std::string_view kJwtGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
constexpr std::string_view kMetadataHost = "metadata.google.internal";
constexpr std::string_view kMetadataToken = "/computeMetadata/v1/instance/service-accounts/default/token";
constexpr int64_t kJwtSeconds = 3600;
constexpr uint64_t kRenewBeforeMs = 5ULL * 60 * 1000;  // or half of the token's life, when that is shorter
constexpr int64_t kLongestLifeS = 24LL * 3600;
constexpr size_t kLargestFile = 1024 * 1024;

template <auto free>
struct Free {
  template <class T>
  void operator()(T* it) const {
    free(it);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

Key read_key(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // Without a password: it would be asked for on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
}

// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3); empty: the key cannot sign so.
std::string sign(const Key& key, std::string_view text) {
  const Digest digest(EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  if (EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &size, bytes, text.size()) != 1) {
    return "";
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size()) !=
      1) {
    return "";
  }
  signature.resize(size);
  return signature;
}

os::HttpRequest form_request(const std::string& url, const std::vector<std::pair<std::string, std::string>>& params) {
  return {.method = "POST",
          .url = url,
          .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
          .body = form_encoded(params)};
}

}  // namespace

Result<GoogleCredentials> parse_google_credentials(std::string_view content, const std::string& where) {
  const auto at = [&](std::string_view pointer) { return json_text_at(content, pointer).value_or(""); };
  const std::string type = at("/type");
  GoogleCredentials found;
  found.where = where;
  found.token_url = at("/token_uri");
  if (found.token_url.empty()) found.token_url = kTokenUrl;
  std::string missing;
  const auto take = [&](std::string_view pointer) {
    std::string value = at(pointer);
    if (value.empty() && missing.empty()) missing = pointer.substr(1);
    return value;
  };
  if (type == "service_account") {
    found.login = GoogleLogin::service_account;
    found.email = take("/client_email");
    found.private_key = take("/private_key");
    found.key_id = at("/private_key_id");
    found.project = at("/project_id");
  } else if (type == "authorized_user") {
    found.login = GoogleLogin::authorized_user;
    found.client_id = take("/client_id");
    found.client_secret = take("/client_secret");
    found.refresh_token = take("/refresh_token");
    found.project = at("/quota_project_id");
  } else if (type.empty()) {
    return Status::bad_config(fmt::format(
        "{}: this is no file of credentials: it must be JSON with a \"type\", as Google's console gives it", where));
  } else {
    return Status::bad_config(
        fmt::format("{}: credentials of type {} are not known here; use a key of a service account, or `gcloud auth "
                    "application-default login`",
                    where, quoted(type)));
  }
  if (missing.empty()) return found;
  return Status::bad_config(fmt::format("{}: credentials of type {} without {}", where, quoted(type), quoted(missing)));
}

Result<GoogleCredentials> find_google_credentials(os::FileSystem& files, const Environment& environment) {
  std::string path = environment("GOOGLE_APPLICATION_CREDENTIALS").value_or("");
  if (path.empty()) {
    const std::string config = environment("CLOUDSDK_CONFIG").value_or("");
    const std::string home = environment("HOME").value_or("");
    path = (config.empty() ? home + "/.config/gcloud" : config) + "/application_default_credentials.json";
    LEAT_ASSIGN(const auto there, files.info(path, os::Links::follow));
    if (!there) {
      GoogleCredentials found;
      found.login = GoogleLogin::metadata;
      found.where = "the metadata server";
      const std::string host = environment("GCE_METADATA_HOST").value_or(std::string(kMetadataHost));
      found.token_url = fmt::format("http://{}{}", host, kMetadataToken);
      return found;
    }
  }
  LEAT_ASSIGN(const std::string content, os::read_file(files, path, kLargestFile));
  return parse_google_credentials(content, path);
}

Result<std::string> make_jwt(const GoogleCredentials& credentials, int64_t now_micros) {
  const int64_t now = now_micros / kMicrosPerSecond;
  JsonWriter header;
  header.begin_object().field("alg", "RS256").field("typ", "JWT");
  if (!credentials.key_id.empty()) header.field("kid", std::string_view(credentials.key_id));
  header.end_object();
  JsonWriter claims;
  claims.begin_object()
      .field("iss", std::string_view(credentials.email))
      .field("scope", kScope)
      .field("aud", std::string_view(credentials.token_url))
      .field("iat", now)
      .field("exp", now + kJwtSeconds)
      .end_object();
  const std::string text = base64url(header.text()) + "." + base64url(claims.text());
  const Key key = read_key(credentials.private_key);
  const std::string signature = key == nullptr ? "" : sign(key, text);
  if (signature.empty()) {
    return Status::bad_config(fmt::format(
        "{}: 'private_key' is no RSA key as PEM; take the file as Google's console gives it", credentials.where));
  }
  return text + "." + base64url(signature);
}

Result<os::HttpRequest> GoogleAuth::token_request() const {
  switch (credentials_.login) {
    case GoogleLogin::service_account: {
      LEAT_ASSIGN(std::string jwt, make_jwt(credentials_, clock_.now_micros()));
      return form_request(credentials_.token_url,
                          {{"grant_type", std::string(kJwtGrant)}, {"assertion", std::move(jwt)}});
    }
    case GoogleLogin::authorized_user:
      return form_request(credentials_.token_url, {{"grant_type", "refresh_token"},
                                                   {"client_id", credentials_.client_id},
                                                   {"client_secret", credentials_.client_secret},
                                                   {"refresh_token", credentials_.refresh_token}});
    default:
      return os::HttpRequest{.url = credentials_.token_url, .headers = {{"Metadata-Flavor", "Google"}}};
  }
}

Result<std::string> GoogleAuth::authorization(os::HttpClient& http, const std::stop_token& stop) {
  if (credentials_.login == GoogleLogin::none) return std::string();
  if (!token_.empty() && clock_.steady_ms() < renew_at_ms_) return "Bearer " + token_;
  LEAT_ASSIGN(os::HttpRequest request, token_request());
  LEAT_ASSIGN(const HttpAnswer answer, ask(http, std::move(request), stop));
  const int status = answer.head.status;
  const std::string token = json_text_at(answer.body, "/access_token").value_or("");
  if (status != 200 || token.empty()) {
    const std::string error = json_text_at(answer.body, "/error").value_or("");
    const std::string detail = json_text_at(answer.body, "/error_description").value_or("");
    std::string message =
        fmt::format("{}: no access token: the server answers {}{}{}", credentials_.where, status,
                    error.empty() ? "" : " " + quoted(error), detail.empty() ? "" : ": " + visible(detail));
    if (status == 429 || status >= 500) return Status::retry(std::move(message));
    return Status::bad_config(message + "; is the key still valid, and this machine's clock right?");
  }
  token_ = token;
  const int64_t life_s = std::clamp<int64_t>(
      parse_integer(json_text_at(answer.body, "/expires_in").value_or("")).value_or(0), 0, kLongestLifeS);
  const uint64_t life_ms = static_cast<uint64_t>(life_s) * 1000;
  renew_at_ms_ = clock_.steady_ms() + life_ms - std::min(kRenewBeforeMs, life_ms / 2);
  return "Bearer " + token_;
}

std::vector<std::string> GoogleAuth::secrets() const {
  std::vector<std::string> all{credentials_.private_key, credentials_.client_secret, credentials_.refresh_token,
                               token_};
  std::erase(all, "");
  return all;
}

}  // namespace leat
