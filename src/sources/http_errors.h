#pragma once

// What an answer is: a page, or what becomes of it otherwise (docs/formats/http-source.md, "What is no page"): the
// rules of the option `errors`, then the standard table. Pure; any thread.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "os/http_client.h"

namespace re2 {
class RE2;
}

namespace leat {

struct Verdict {
  enum class Then : uint8_t {
    page,      // its body is what was asked for
    empty,     // a page without a body
    wait,      // the server holds us off: ask again, after `wait_ms` or the engine's backoff; not a failure of the page
    retry,     // the page failed: ask again, after `wait_ms` or the engine's backoff
    log_in,    // the credentials were refused: with a session or a token, obtain new ones; else as `stop`
    redirect,  // the same elsewhere: its header Location
    skip,      // the page is one reject
    end,       // the window is done
    stop,      // the pipeline fails
  };
  Then then = Then::page;
  std::optional<uint64_t> wait_ms;  // that the server or the rule names
  std::string message;  // not of page, empty, redirect: "the server answers 503: '…'", nothing secret in it
};

struct ErrorRule {
  std::optional<int> status;              // nothing: any
  std::string text;                       // somewhere in the body; empty: any
  std::shared_ptr<const re2::RE2> regex;  // in place of it
  Verdict::Then then = Verdict::Then::stop;
  std::optional<uint64_t> for_ms;
};

std::vector<std::string_view> error_rule_verdicts();  // ok, wait, retry, stop, skip, end

// One rule of `errors`.
inline constexpr std::array<Option, 4> kErrorRuleOptions{{
    {.name = "status", .type = OptionType::integer, .help = "the answer's status; without it any"},
    {.name = "body",
     .help = "what the first 64 KiB of the body hold: a text, or an RE2 pattern between slashes: "
             "\"/<CODE>19\\\\d\\\\d</\""},
    {.name = "then",
     .type = OptionType::choice,
     .required = true,
     .choices = error_rule_verdicts,
     .help =
         "ok: it is a page; wait: ask again as its wait headers or 'for' say; retry: the same, counted as a failure; "
         "stop: the pipeline fails; skip: the page becomes one reject; end: there is no more"},
    {.name = "for", .type = OptionType::duration, .help = "how long to wait, where no header says it"},
}};
// `rules`: Settings::sections("errors").
std::vector<ErrorRule> error_rules(const std::vector<Settings>& rules);
void check_error_rules(const std::vector<Settings>& rules, Complaints& complaints);

struct AnswerRules {
  std::vector<ErrorRule> errors;
  std::vector<std::string> wait_headers;  // in lower case (http_limits.h)
  std::vector<std::string> secrets;       // never shown
};

constexpr size_t kJudgedBytes = 64 * 1024;

// How many bytes of the body, uncompressed, judge() has to see of such an answer, or all when there are fewer.
size_t judged_bytes(const AnswerRules& rules, const os::HttpHead& head);
// `body`: its first bytes, at least as many as judged_bytes() says, or all.
Verdict judge(const AnswerRules& rules, const os::HttpHead& head, std::string_view body, int64_t now_micros);

}  // namespace leat
