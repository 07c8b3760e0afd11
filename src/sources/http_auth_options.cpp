// The section `auth` of an HTTP source: what belongs to which type.

#include <fmt/format.h>

#include <algorithm>

#include "base/json_at.h"
#include "base/text.h"
#include "sources/http_auth.h"
#include "sources/http_url.h"

namespace leat {
namespace {

struct KindOptions {
  std::string_view name;
  HttpAuthKind kind;
  std::vector<std::string_view> required;
  std::vector<std::string_view> more;
};

const std::array<KindOptions, 6>& kinds() {
  static const std::array<KindOptions, 6> all{{
      {"none", HttpAuthKind::none, {}, {}},
      {"basic", HttpAuthKind::basic, {"username", "password"}, {}},
      {"bearer", HttpAuthKind::bearer, {"token"}, {}},
      {"api_key", HttpAuthKind::api_key, {"key"}, {"header", "param"}},
      {"oauth2_client_credentials",
       HttpAuthKind::oauth2,
       {"token_url", "client_id", "client_secret"},
       {"client_auth", "scope", "params"}},
      {"session",
       HttpAuthKind::session,
       {"login"},
       {"logout", "cookies", "token_path", "token_header", "header", "prefix"}},
  }};
  return all;
}

const KindOptions& kind_of(const Settings& auth) {
  const std::string type = auth.text("type");
  return *std::find_if(kinds().begin(), kinds().end(), [&](const KindOptions& kind) { return kind.name == type; });
}

bool contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

NamedTexts named_texts(const Settings& settings, std::string_view name) {
  NamedTexts out;
  if (const Value* value = settings.find(name)) {
    for (const Entry& entry : value->entries) out.emplace_back(entry.key, entry.value.text);
  }
  return out;
}

LoginRequest login_of(const Settings& settings) {
  return {settings.text("method"), settings.text("url"), named_texts(settings, "params"),
          named_texts(settings, "headers"), settings.text("body")};
}

LoginRequest token_request(const Settings& auth) {
  LoginRequest request;
  request.url = auth.text("token_url");
  request.headers.emplace_back("Accept", "application/json");
  request.params.emplace_back("grant_type", "client_credentials");
  if (auth.text("client_auth") == "basic") {
    // RFC 6749 §2.3.1: both are encoded as in a form first.
    request.headers.emplace_back("Authorization", basic_authorization(percent_encoded(auth.text("client_id")),
                                                                      percent_encoded(auth.text("client_secret"))));
  } else {
    request.params.emplace_back("client_id", auth.text("client_id"));
    request.params.emplace_back("client_secret", auth.text("client_secret"));
  }
  if (auth.has("scope")) request.params.emplace_back("scope", auth.text("scope"));
  for (auto& param : named_texts(auth, "params")) request.params.push_back(std::move(param));
  return request;
}

void check_url(const Settings& settings, std::string_view name, Complaints& complaints) {
  const Value* url = settings.find(name);
  if (url == nullptr || !origin_of(url->text).empty()) return;
  complaints.add(url->at,
                 fmt::format("'{}' must be an http or https URL without user and password, not {}", name, shown(*url)));
}

}  // namespace

std::vector<std::string_view> http_auth_kinds() {
  std::vector<std::string_view> names;
  for (const KindOptions& kind : kinds()) names.push_back(kind.name);
  return names;
}

std::vector<std::string_view> login_methods() {
  return {"GET", "POST", "PUT", "DELETE"};
}

std::vector<std::string_view> client_auth_kinds() {
  return {"form", "basic"};
}

HttpAuthRules http_auth_rules(const Settings& auth) {
  HttpAuthRules rules;
  rules.kind = kind_of(auth).kind;
  rules.username = auth.text("username");
  rules.password = auth.text("password");
  rules.token = auth.text("token");
  rules.key = auth.text("key");
  rules.header = auth.text("header");
  rules.param = auth.text("param");
  rules.cookies = auth.texts("cookies");
  rules.token_path = auth.text("token_path");
  rules.token_header = auth.text("token_header");
  rules.prefix = auth.text("prefix");
  if (rules.kind == HttpAuthKind::oauth2) {
    rules.login = token_request(auth);
    rules.client_secret = auth.text("client_secret");
  }
  if (rules.kind == HttpAuthKind::session) rules.login = login_of(auth.section("login"));
  if (auth.has("logout")) rules.logout = login_of(auth.section("logout"));
  return rules;
}

void check_http_auth(const Settings& auth, Complaints& complaints) {
  const KindOptions& kind = kind_of(auth);
  std::vector<std::string> takes;
  for (const auto* names : {&kind.required, &kind.more}) takes.insert(takes.end(), names->begin(), names->end());
  for (const Option& option : kHttpAuthOptions) {
    const bool written = auth.has(option.name);
    if (contains(kind.required, option.name) && !written) {
      complaints.add(auth.place("type"), fmt::format("auth of type '{}' needs '{}'", kind.name, option.name));
    }
    if (written && option.name != "type" && !contains(kind.required, option.name) &&
        !contains(kind.more, option.name)) {
      complaints.add(auth.place(option.name),
                     takes.empty() ? fmt::format("'{}' needs a 'type' of auth", option.name)
                                   : fmt::format("'{}' does not belong to auth of type '{}', which takes {}",
                                                 option.name, kind.name, join(takes, ", ")));
    }
  }
  if (kind.kind == HttpAuthKind::api_key && auth.has("header") == auth.has("param")) {
    complaints.add(auth.place("key"), "auth of type 'api_key' needs 'header' or 'param', one of them");
  }
  if (auth.has("token_path") && auth.has("token_header")) {
    complaints.add(auth.place("token_header"), "'token_path' and 'token_header' cannot both say where the token is");
  }
  if (const Value* path = auth.find("token_path"); path != nullptr && !is_json_pointer(path->text)) {
    complaints.add(path->at,
                   fmt::format("'token_path' must be a JSON pointer such as \"/data/token\", not {}", shown(*path)));
  }
  check_url(auth, "token_url", complaints);
  check_url(auth.section("login"), "url", complaints);
  check_url(auth.section("logout"), "url", complaints);
}

}  // namespace leat
