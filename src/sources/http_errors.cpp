#include "sources/http_errors.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "base/redaction.h"
#include "base/text.h"
#include "sources/http_limits.h"

namespace leat {
namespace {

using Then = Verdict::Then;

constexpr size_t kEvidenceBytes = 200;
constexpr size_t kFirstBytes = 1024;  // enough for evidence, and to tell HTML

struct NamedVerdict {
  std::string_view name;
  Then then;
};
constexpr std::array<NamedVerdict, 6> kVerdicts{{{"ok", Then::page},
                                                 {"wait", Then::wait},
                                                 {"retry", Then::retry},
                                                 {"stop", Then::stop},
                                                 {"skip", Then::skip},
                                                 {"end", Then::end}}};

std::shared_ptr<const re2::RE2> make_regex(std::string_view pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  return std::make_shared<const re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
}

// "/pattern/" without its slashes; nothing: it is a plain text.
std::optional<std::string_view> pattern_of(std::string_view body) {
  if (body.size() < 3 || !body.starts_with('/') || !body.ends_with('/')) return std::nullopt;
  return body.substr(1, body.size() - 2);
}

// Where what the rule looks for begins in `body`; npos: it is not there.
size_t find_in(const ErrorRule& rule, std::string_view body) {
  if (!rule.regex) return body.find(rule.text);
  re2::StringPiece found;
  const re2::StringPiece all(body.data(), body.size());
  if (!rule.regex->Match(all, 0, all.size(), re2::RE2::UNANCHORED, &found, 1)) return std::string_view::npos;
  return static_cast<size_t>(found.data() - body.data());
}

bool looks_at_body(const ErrorRule& rule) {
  return rule.regex != nullptr || !rule.text.empty();
}

// The rule that fits, the first one; null: none.
const ErrorRule* fitting_rule(const AnswerRules& rules, int status, std::string_view body) {
  for (const ErrorRule& rule : rules.errors) {
    if (rule.status && *rule.status != status) continue;
    if (!looks_at_body(rule) || find_in(rule, body) != std::string_view::npos) return &rule;
  }
  return nullptr;
}

std::string evidence(const AnswerRules& rules, const ErrorRule* rule, std::string_view body) {
  if (body.empty()) return "without a body";
  const std::string shown = redacted(body, rules.secrets);
  size_t from = 0;
  if (rule != nullptr && looks_at_body(*rule)) {
    const size_t found = find_in(*rule, shown);
    if (found != std::string::npos && found > kEvidenceBytes / 2) from = found - kEvidenceBytes / 4;
  }
  return quoted(trim(std::string_view(shown).substr(from)), kEvidenceBytes);
}

bool begins_with(std::string_view text, std::string_view lower) {
  return equal_ignoring_case(text.substr(0, lower.size()), lower);
}

// Servers send JSON as text/html, but nobody sends HTML that does not begin with '<'.
bool is_html(const os::HttpHead& head, std::string_view body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  body = trim(body);
  if (begins_with(body, "<!doctype html") || begins_with(body, "<html")) return true;
  const std::string* type = head.find("content-type");
  return type != nullptr && begins_with(*type, "text/html") && body.starts_with('<') && !begins_with(body, "<?xml");
}

bool is_passing(int status) {
  constexpr std::array kPassing{408, 425, 429, 500, 502, 503, 504};
  return std::find(kPassing.begin(), kPassing.end(), status) != kPassing.end();
}

bool is_redirect(int status) {
  constexpr std::array kRedirects{301, 302, 303, 307, 308};
  return std::find(kRedirects.begin(), kRedirects.end(), status) != kRedirects.end();
}

std::string_view advice(int status) {
  switch (status) {
    case 401:
      return "; check `auth`";
    case 403:
      return "; may these credentials (`auth`) read it?";
    case 404:
    case 410:
      return "; check `url`";
    case 405:
      return "; check `method`";
    case 414:
      return "; the address is too long: ask with method = \"POST\", or for less at once";
    default:
      return "";
  }
}

Then standard_verdict(const os::HttpHead& head, std::string_view body) {
  const int status = head.status;
  if (status == 204 || status == 205) return Then::empty;
  if (status == 206) return Then::stop;  // nobody has asked for a part
  if (status >= 200 && status < 300) return is_html(head, body) ? Then::stop : Then::page;
  if (status >= 300 && status < 400 && head.find("location") != nullptr) return Then::redirect;
  if (status == 401) return Then::log_in;
  return is_passing(status) ? Then::retry : Then::stop;
}

}  // namespace

std::vector<std::string_view> error_rule_verdicts() {
  std::vector<std::string_view> names;
  for (const NamedVerdict& verdict : kVerdicts) names.push_back(verdict.name);
  return names;
}

std::vector<ErrorRule> error_rules(const std::vector<Settings>& rules) {
  std::vector<ErrorRule> out;
  for (const Settings& settings : rules) {
    ErrorRule rule;
    if (settings.has("status")) rule.status = static_cast<int>(settings.integer("status"));
    rule.text = settings.text("body");
    if (const auto pattern = pattern_of(rule.text)) {
      rule.regex = make_regex(*pattern);
      rule.text.clear();
    }
    for (const NamedVerdict& verdict : kVerdicts) {
      if (verdict.name == settings.text("then")) rule.then = verdict.then;
    }
    if (settings.has("for")) rule.for_ms = settings.milliseconds("for");
    out.push_back(std::move(rule));
  }
  return out;
}

void check_error_rules(const std::vector<Settings>& rules, Complaints& complaints) {
  for (const Settings& settings : rules) {
    if (!settings.has("status") && !settings.has("body")) {
      complaints.add(settings.place("status"), "a rule of 'errors' needs 'status', 'body' or both");
    }
    if (settings.has("status") && (settings.integer("status") < 200 || settings.integer("status") > 599)) {
      complaints.add(
          settings.place("status"),
          fmt::format("'status' must be the status of an answer, 200 to 599, not {}", settings.integer("status")));
    }
    const std::string then = settings.text("then");
    if (settings.has("for") && then != "wait" && then != "retry") {
      complaints.add(settings.place("for"), "'for' belongs to then = \"wait\" or \"retry\"");
    }
    const Value* body = settings.find("body");
    const auto pattern = body != nullptr ? pattern_of(body->text) : std::nullopt;
    if (!pattern) continue;
    const auto regex = make_regex(*pattern);
    if (!regex->ok()) {
      complaints.add(body->at, body->written.empty()
                                   ? fmt::format("'body' {} is not an RE2 pattern: {}", shown(*body), regex->error())
                                   : fmt::format("'body' {} is not an RE2 pattern", shown(*body)));
    }
  }
}

size_t judged_bytes(const AnswerRules& rules, const os::HttpHead& head) {
  for (const ErrorRule& rule : rules.errors) {
    if ((!rule.status || *rule.status == head.status) && looks_at_body(rule)) return kJudgedBytes;
  }
  const Then then = standard_verdict(head, {});
  return then == Then::redirect || then == Then::empty ? 0 : kFirstBytes;
}

Verdict judge(const AnswerRules& rules, const os::HttpHead& head, std::string_view body, int64_t now_micros) {
  body = body.substr(0, kJudgedBytes);
  const ErrorRule* rule = fitting_rule(rules, head.status, body);
  Verdict verdict;
  verdict.then = rule != nullptr ? rule->then : standard_verdict(head, body);
  if (verdict.then == Then::page || verdict.then == Then::empty || verdict.then == Then::redirect) return verdict;
  if (verdict.then == Then::wait || verdict.then == Then::retry) {
    verdict.wait_ms = named_wait_ms(head, rules.wait_headers, now_micros);
    if (!verdict.wait_ms && rule != nullptr) verdict.wait_ms = rule->for_ms;
  }
  std::string_view what;
  if (rule == nullptr && head.status == 206) what = " with a part of the data";
  if (rule == nullptr && is_redirect(head.status)) what = ", but not where it is (no header Location)";
  if (rule == nullptr && head.status < 300 && head.status != 206) what = " with an HTML page in place of data";
  verdict.message = fmt::format("the server answers {}{}: {}{}", head.status, what, evidence(rules, rule, body),
                                rule == nullptr ? advice(head.status) : "");
  return verdict;
}

}  // namespace leat
