#include "sources/http_auth.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/json_at.h"
#include "base/percent.h"
#include "base/redaction.h"
#include "base/text.h"
#include "sources/http_errors.h"
#include "sources/http_limits.h"
#include "sources/http_url.h"

namespace leat {
namespace {

constexpr size_t kLargestAnswer = 1024 * 1024;
constexpr uint64_t kRenewBeforeMs = 60'000;  // or a tenth of the token's life, when that is shorter
constexpr uint64_t kLongestLifeS = 30 * 24 * 3600;

void set_header(os::HttpHeaders& headers, const std::string& name, std::string value) {
  std::erase_if(headers, [&](const auto& header) { return equal_ignoring_case(header.first, name); });
  headers.emplace_back(name, std::move(value));
}

os::HttpRequest request_of(const LoginRequest& login) {
  os::HttpRequest request{.method = login.method, .url = login.url, .headers = login.headers, .body = login.body};
  const auto has_type = [](const auto& header) { return equal_ignoring_case(header.first, "content-type"); };
  const bool typed = std::any_of(login.headers.begin(), login.headers.end(), has_type);
  std::string_view type = login.body.starts_with('{') ? "application/json" : "text/plain";
  if (login.method == "GET" || !login.body.empty()) {
    for (const auto& [name, value] : login.params) request.url = with_parameter(request.url, name, value);
  } else {
    request.body = form_encoded(login.params);
    type = "application/x-www-form-urlencoded";
  }
  if (!typed && login.method != "GET") request.headers.emplace_back("Content-Type", type);
  return request;
}

// "name=value; Path=/; …"; nothing: it takes the cookie away, or is none.
std::optional<std::pair<std::string, std::string>> cookie_of(std::string_view header) {
  const std::vector<std::string_view> parts = split(header, ';');
  const std::string_view pair = trim(parts[0]);
  const size_t equals = pair.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == pair.size()) return std::nullopt;
  for (const std::string_view part : parts) {
    const size_t at = part.find('=');
    if (at == std::string_view::npos || !equal_ignoring_case(trim(part.substr(0, at)), "max-age")) continue;
    if (parse_integer(trim(part.substr(at + 1))).value_or(1) <= 0) return std::nullopt;
  }
  return std::pair(std::string(pair.substr(0, equals)), std::string(pair.substr(equals + 1)));
}

}  // namespace

std::string basic_authorization(const std::string& user, const std::string& password) {
  return "Basic " + base64(user + ":" + password);
}

HttpAuth::HttpAuth(HttpAuthRules rules, std::string origin, os::Clock& clock)
    : rules_(std::move(rules)), origin_(std::move(origin)), clock_(clock) {
  if (rules_.kind == HttpAuthKind::bearer) token_ = rules_.token;
  logged_in_ = rules_.kind != HttpAuthKind::oauth2 && rules_.kind != HttpAuthKind::session;
}

bool HttpAuth::has_to_log_in() const {
  return !logged_in_ || (renew_at_ms_ && clock_.steady_ms() >= *renew_at_ms_);
}

Result<bool> HttpAuth::prepare(os::HttpClient& client) {
  if (!has_to_log_in()) return true;
  if (!login_) {
    login_ = client.start(request_of(rules_.login));
    body_.clear();
    logged_in_ = false;
  }
  for (;;) {
    const auto read = login_->read();
    Status status = read.ok() ? Status() : read.status().clone();
    if (read.ok() && read->what == os::HttpTransfer::What::nothing) return false;
    if (read.ok() && read->what == os::HttpTransfer::What::bytes) {
      body_ += read->bytes;
      if (body_.size() <= kLargestAnswer) continue;
      status = Status::bad_config(
          fmt::format("{}: the answer to the login is larger than {}", login_place(), human_bytes(kLargestAnswer)));
    }
    if (status.ok()) status = take_answer(*login_->head());
    login_.reset();
    if (!status.ok()) return status;
    return true;
  }
}

std::string HttpAuth::login_place() const {
  return visible(shown_url(rules_.login.url, secrets()));
}

// What the server says in place of a token or a session.
Status HttpAuth::refusal(const os::HttpHead& head) const {
  const AnswerRules rules{{}, HttpLimitRules().wait_headers, secrets()};
  const Verdict verdict = judge(rules, head, body_, clock_.now_micros());
  std::string message =
      fmt::format("{}: no login: {}", login_place(),
                  verdict.message.empty() ? fmt::format("the server answers {}", head.status) : verdict.message);
  if (verdict.then != Verdict::Then::retry) return Status::bad_config(std::move(message));
  Status status = Status::retry(std::move(message));
  return verdict.wait_ms ? std::move(status).with_retry_after_ms(*verdict.wait_ms) : std::move(status);
}

Status HttpAuth::take_answer(const os::HttpHead& head) {
  const bool session = rules_.kind == HttpAuthKind::session;
  // A login by a form answers with a page for people, or leads to one.
  if (head.status < 200 || head.status >= (session ? 400 : 300)) return refusal(head);
  token_.clear();
  cookies_.clear();
  renew_at_ms_.reset();
  LEAT_TRY(session ? take_session(head) : take_token(head));
  logged_in_ = true;
  ++generation_;
  return {};
}

Status HttpAuth::take_token(const os::HttpHead& /*head*/) {
  const auto token = json_text_at(body_, "/access_token");
  if (!token || token->empty()) {  // its text is not shown: a token may be in it, in another place
    return Status::bad_config(fmt::format("{}: no login: the answer ({}) has no 'access_token' in JSON", login_place(),
                                          human_bytes(body_.size())));
  }
  token_ = *token;
  const auto life = parse_integer(json_text_at(body_, "/expires_in").value_or(""));
  if (life && *life > 0) {
    const uint64_t life_ms = std::min(static_cast<uint64_t>(*life), kLongestLifeS) * 1000;
    renew_at_ms_ = clock_.steady_ms() + life_ms - std::min(kRenewBeforeMs, life_ms / 10);
  }
  return {};
}

Status HttpAuth::take_session(const os::HttpHead& head) {
  const auto missing = [&](const std::string& what) {
    return Status::bad_config(fmt::format("{}: no login: the answer ({}, {}) {}; check `auth.login`", login_place(),
                                          head.status, human_bytes(body_.size()), what));
  };
  for (const auto& [name, value] : head.headers) {
    const auto cookie = name == "set-cookie" ? cookie_of(value) : std::nullopt;
    const bool wanted = cookie && (rules_.cookies.empty() || std::find(rules_.cookies.begin(), rules_.cookies.end(),
                                                                       cookie->first) != rules_.cookies.end());
    if (!wanted) continue;
    std::erase_if(cookies_, [&](const auto& known) { return known.first == cookie->first; });
    cookies_.push_back(*cookie);
  }
  for (const std::string& name : rules_.cookies) {
    const auto named = [&](const auto& cookie) { return cookie.first == name; };
    if (std::none_of(cookies_.begin(), cookies_.end(), named)) return missing("sets no cookie " + quoted(name));
  }
  if (!rules_.token_path.empty()) {
    token_ = json_text_at(body_, rules_.token_path).value_or("");
    if (token_.empty()) return missing("has no text at " + quoted(rules_.token_path));
  }
  if (!rules_.token_header.empty()) {
    const std::string* value = head.find(lower_case(rules_.token_header));
    if (value == nullptr || value->empty()) return missing("has no header " + quoted(rules_.token_header));
    token_ = *value;
  }
  if (token_.empty() && cookies_.empty()) return missing("sets no cookie");
  return {};
}

void HttpAuth::put(os::HttpRequest& request) const {
  if (rules_.kind == HttpAuthKind::basic) {
    set_header(request.headers, "Authorization", basic_authorization(rules_.username, rules_.password));
  } else if (rules_.kind == HttpAuthKind::api_key && rules_.header.empty()) {
    request.url = with_parameter(request.url, rules_.param, rules_.key);
  } else if (rules_.kind == HttpAuthKind::api_key) {
    set_header(request.headers, rules_.header, rules_.key);
  } else if (!token_.empty()) {
    const bool own = rules_.kind == HttpAuthKind::session;
    set_header(request.headers, own && !rules_.header.empty() ? rules_.header : "Authorization",
               (own ? rules_.prefix : "Bearer ") + token_);
  }
  if (cookies_.empty()) return;
  std::string all;
  for (const auto& [name, value] : cookies_) all += (all.empty() ? "" : "; ") + name + "=" + value;
  set_header(request.headers, "Cookie", std::move(all));
}

uint64_t HttpAuth::add_to(os::HttpRequest& request) const {
  if (origin_of(request.url) == origin_) put(request);
  return generation_;
}

bool HttpAuth::refused(uint64_t generation) {
  const bool obtained = rules_.kind == HttpAuthKind::oauth2 || rules_.kind == HttpAuthKind::session;
  if (!obtained) return false;
  if (generation != generation_ || !logged_in_) return true;  // it is being renewed, or was
  if (refused_) return false;
  refused_ = true;
  logged_in_ = false;
  return true;
}

void HttpAuth::accepted(uint64_t generation) {
  if (generation == generation_) refused_ = false;
}

std::vector<std::string> HttpAuth::secrets() const {
  std::vector<std::string> all{rules_.password, rules_.token, rules_.key, rules_.client_secret, token_};
  if (!rules_.password.empty()) all.push_back(base64(rules_.username + ":" + rules_.password));
  for (const LoginRequest* request : {&rules_.login, rules_.logout ? &*rules_.logout : nullptr}) {
    if (request == nullptr) continue;
    for (const NamedTexts* texts : {&request->params, &request->headers}) {
      for (const auto& [name, value] : *texts) {
        if (is_secret_name(name)) all.push_back(value);
      }
    }
  }
  for (const auto& [name, value] : cookies_) all.push_back(value);
  std::erase(all, "");
  return all;
}

void HttpAuth::log_out(os::HttpClient& client, uint64_t wait_ms) {
  if (!logged_in_ || !rules_.logout || rules_.kind != HttpAuthKind::session) return;
  logged_in_ = false;
  os::HttpRequest request = request_of(*rules_.logout);
  put(request);
  const auto transfer = client.start(std::move(request));
  const uint64_t end = clock_.steady_ms() + wait_ms;
  for (;;) {
    const auto read = transfer->read();
    if (!read.ok() || read->what == os::HttpTransfer::What::end || clock_.steady_ms() >= end) return;
    if (read->what == os::HttpTransfer::What::nothing) client.wait(end - clock_.steady_ms());
  }
}

}  // namespace leat
