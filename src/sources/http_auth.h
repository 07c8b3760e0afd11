#pragma once

// What a server wants before it answers: a password, a key, a token that is asked for first, a session. One for each
// source; the reader thread. Nothing here blocks but log_out().
//
//   prepare() ──true──▶ add_to(request) ──401──▶ refused() ──true──▶ prepare() …; the request again
//      ▲ │false: HttpClient::wait()      └─2xx──▶ accepted()
//      └─┘
//
// A token belongs to a generation: what was refused with an old one is only asked again. A new one that is refused as
// well, before anything was accepted, is the end. Credentials are added to requests to the origin of the source's `url`
// only (docs/formats/http-source.md, "Who may see what"); login, logout and token requests carry what is written there.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "config/options.h"
#include "os/clock.h"
#include "os/http_client.h"

namespace leat {

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// A request that is written out in the configuration.
struct LoginRequest {
  std::string method = "POST";
  std::string url;
  NamedTexts params;  // a form in the body; in the URL with GET, or beside `body`
  NamedTexts headers;
  std::string body;
};

enum class HttpAuthKind : uint8_t { none, basic, bearer, api_key, oauth2, session };

struct HttpAuthRules {
  HttpAuthKind kind = HttpAuthKind::none;
  std::string username, password;  // basic
  std::string token;               // bearer
  std::string key, header, param;  // api_key, in a header or in a parameter
  std::string client_secret;       // oauth2
  LoginRequest login;              // session; of oauth2 the token request, made from its options
  std::optional<LoginRequest> logout;
  std::vector<std::string> cookies;  // of a session: names that must come; empty: all that come
  std::string token_path;            // of a session: where in the answer a token is, a JSON pointer …
  std::string token_header;          // … or the header that has it
  std::string prefix = "Bearer ";    // of the token in `header`
};

std::vector<std::string_view> http_auth_kinds();
std::vector<std::string_view> login_methods();
std::vector<std::string_view> client_auth_kinds();

inline constexpr std::array<Option, 5> kLoginOptions{{
    {.name = "url", .required = true, .help = "where the request goes"},
    {.name = "method",
     .type = OptionType::choice,
     .standard = "POST",
     .choices = login_methods,
     .help = "of the request"},
    {.name = "params",
     .type = OptionType::texts,
     .help = "sent as a form; in the URL with method = \"GET\" or where there is a 'body'"},
    {.name = "headers", .type = OptionType::texts, .help = "of the request"},
    {.name = "body", .help = "sent as it is: '{ \"user\": \"${env:API_USER}\", … }'"},
}};

// The section `auth`.
inline constexpr std::array<Option, 19> kHttpAuthOptions{{
    {.name = "type",
     .type = OptionType::choice,
     .standard = "none",
     .choices = http_auth_kinds,
     .help = "what the server wants"},
    {.name = "username", .help = "basic: who asks"},
    {.name = "password", .may_be_empty = true, .help = "basic: \"${env:NAME}\" or \"${file:/path}\""},
    {.name = "token", .help = "bearer: sent as Authorization: Bearer TOKEN"},
    {.name = "key", .help = "api_key: sent in 'header' or 'param'"},
    {.name = "header", .help = "api_key: the header's name; session: where the token goes, else Authorization"},
    {.name = "param", .help = "api_key: the parameter's name"},
    {.name = "token_url", .help = "oauth2_client_credentials: where a token is asked for"},
    {.name = "client_id", .help = "oauth2_client_credentials"},
    {.name = "client_secret", .help = "oauth2_client_credentials"},
    {.name = "client_auth",
     .type = OptionType::choice,
     .standard = "form",
     .choices = client_auth_kinds,
     .help = "oauth2_client_credentials: id and secret go as a form or as basic authorization"},
    {.name = "scope", .help = "oauth2_client_credentials: what the token is for"},
    {.name = "params",
     .type = OptionType::texts,
     .help = "oauth2_client_credentials: what else the form says: { audience = \"…\" }"},
    {.name = "login",
     .type = OptionType::section,
     .inner = kLoginOptions,
     .help = "session: the request that opens it"},
    {.name = "logout",
     .type = OptionType::section,
     .inner = kLoginOptions,
     .help = "session: the request that ends it"},
    {.name = "cookies",
     .type = OptionType::names,
     .help = "session: cookies that the login must set; without it all that it sets"},
    {.name = "token_path",
     .help = "session: where the token is in the login's answer, a JSON pointer: \"/data/token\""},
    {.name = "token_header", .help = "session: the header of the login's answer that has the token"},
    {.name = "prefix",
     .standard = "Bearer ",
     .may_be_empty = true,
     .help = "session: what stands before the token in its header"},
}};
HttpAuthRules http_auth_rules(const Settings& auth);
// "Basic …", as a header says it.
std::string basic_authorization(const std::string& user, const std::string& password);
// Complains of what the options do not say by themselves.
void check_http_auth(const Settings& auth, Complaints& complaints);

class HttpAuth {
 public:
  // `origin`: that of the source's `url` (origin_of()).
  HttpAuth(HttpAuthRules rules, std::string origin, os::Clock& clock);

  // True: requests can be sent. False: the token or the session is on its way. retry: it did not come, the next call
  // asks again; bad_config: it is refused.
  Result<bool> prepare(os::HttpClient& client);
  // After prepare() was true. Gives the generation that the request is sent with.
  uint64_t add_to(os::HttpRequest& request) const;
  // An answer of 401. True: ask again, after prepare(). Once for each page; false, or again for the same page: failed.
  bool refused(uint64_t generation);
  // Any other answer.
  void accepted(uint64_t generation);
  // What is secret in the options, and what was obtained.
  [[nodiscard]] std::vector<std::string> secrets() const;
  // Ends the session, as far as it can be done within `wait_ms`.
  void log_out(os::HttpClient& client, uint64_t wait_ms = 2000);

 private:
  [[nodiscard]] bool has_to_log_in() const;
  Status take_answer(const os::HttpHead& head);
  Status take_token(const os::HttpHead& head);
  Status take_session(const os::HttpHead& head);
  [[nodiscard]] Status refusal(const os::HttpHead& head) const;
  [[nodiscard]] std::string login_place() const;
  void put(os::HttpRequest& request) const;

  HttpAuthRules rules_;
  std::string origin_;
  os::Clock& clock_;
  std::unique_ptr<os::HttpTransfer> login_;  // while it is on its way
  std::string body_;                         // of its answer, so far
  uint64_t generation_ = 0;                  // 0: there was none yet
  bool logged_in_ = false;
  bool refused_ = false;                 // the generation before, and nothing was accepted since
  std::optional<uint64_t> renew_at_ms_;  // of the clock's steady time
  std::string token_;
  NamedTexts cookies_;
};

}  // namespace leat
