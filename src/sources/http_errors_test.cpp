#include "sources/http_errors.h"

#include <gtest/gtest.h>

#include "config/toml.h"

namespace leat {
namespace {

using Then = Verdict::Then;

struct Checked {
  AnswerRules rules;
  std::string errors;
};

// `errors`: the value of the option.
Checked rules_of(const std::string& errors) {
  constexpr std::array<Option, 1> kOptions{
      {{.name = "errors", .type = OptionType::sections, .inner = kErrorRuleOptions, .help = "rules"}}};
  const std::string text = "errors = " + errors;
  Complaints complaints("f.toml", text);
  const Value root = parse_toml(text, complaints);
  const Settings settings = check_options({root, {1, 1, 1}, kOptions, "source 'http'", "/"}, complaints);
  const auto sections = settings.sections("errors");
  check_error_rules(sections, complaints);
  Checked checked{{}, complaints.text()};
  if (complaints.empty()) checked.rules.errors = error_rules(sections);
  checked.rules.wait_headers = {"retry-after"};
  return checked;
}

Verdict judged(int status, std::string_view body = "", os::HttpHeaders headers = {}, const AnswerRules& rules = {}) {
  return judge(rules, {status, std::move(headers), true}, body, 0);
}

TEST(HttpErrors, the_standard_table) {
  struct Case {
    int status;
    Then then;
    const char* message;
  };
  for (const Case& one : std::vector<Case>{
           {200, Then::page, ""},
           {201, Then::page, ""},
           {204, Then::empty, ""},
           {205, Then::empty, ""},
           {206, Then::stop, "the server answers 206 with a part of the data: 'why\\n'"},
           {302, Then::stop, "the server answers 302, but not where it is (no header Location): 'why\\n'"},
           {304, Then::stop, "the server answers 304: 'why\\n'"},
           {400, Then::stop, "the server answers 400: 'why\\n'"},
           {401, Then::log_in, "the server answers 401: 'why\\n'; check `auth`"},
           {403, Then::stop, "the server answers 403: 'why\\n'; may these credentials (`auth`) read it?"},
           {404, Then::stop, "the server answers 404: 'why\\n'; check `url`"},
           {408, Then::retry, "the server answers 408: 'why\\n'"},
           {409, Then::stop, "the server answers 409: 'why\\n'"},
           {425, Then::retry, "the server answers 425: 'why\\n'"},
           {429, Then::retry, "the server answers 429: 'why\\n'"},
           {500, Then::retry, "the server answers 500: 'why\\n'"},
           {501, Then::stop, "the server answers 501: 'why\\n'"},
           {503, Then::retry, "the server answers 503: 'why\\n'"},
       }) {
    const Verdict verdict = judged(one.status, "why\n!");
    EXPECT_EQ(verdict.then, one.then) << one.status;
    const std::string expected = one.message;
    const size_t mark = expected.find("'why\\n'");
    EXPECT_EQ(verdict.message, mark == std::string::npos
                                   ? expected
                                   : expected.substr(0, mark) + "'why\\n!'" + expected.substr(mark + 7));
  }
  EXPECT_EQ(judged(302, "", {{"location", "/x"}}).then, Then::redirect);
  EXPECT_EQ(judged(502).message, "the server answers 502: without a body");
}

TEST(HttpErrors, an_html_page_is_no_data) {
  const os::HttpHeaders html{{"content-type", "text/html; charset=utf-8"}};
  EXPECT_EQ(judged(200, " \n<!DOCTYPE html><p>Log in</p>").message,
            "the server answers 200 with an HTML page in place of data: '<!DOCTYPE html><p>Log in</p>'");
  EXPECT_EQ(judged(200, "\xEF\xBB\xBF<HTML>").then, Then::stop);
  EXPECT_EQ(judged(200, "<h1>Busy</h1>", html).then, Then::stop);
  EXPECT_EQ(judged(200, "{\"a\": \"<html>\"}", html).then, Then::page);
  EXPECT_EQ(judged(200, "<?xml version='1.0'?><a/>", html).then, Then::page);
  EXPECT_EQ(judged(200, "<HOST_LIST/>").then, Then::page);
}

TEST(HttpErrors, rules_come_first_in_their_order) {
  const auto [rules, errors] = rules_of(
      "[ { status = 409, body = '<CODE>1965</CODE>', then = 'wait', for = '5m' }, { status = 409, then = 'stop' },"
      "  { body = '/<CODE>20\\d\\d<.CODE>/', then = 'stop' }, { status = 404, then = 'skip' },"
      "  { status = 416, then = 'end' }, { status = 500, then = 'ok' }, { status = 200, body = 'again', then = 'retry' "
      "} ]");
  ASSERT_EQ(errors, "");
  EXPECT_EQ(judged(409, "x<CODE>1965</CODE>", {}, rules).then, Then::wait);
  EXPECT_EQ(judged(409, "x<CODE>1965</CODE>", {}, rules).wait_ms, 300'000U);
  EXPECT_EQ(judged(409, "<CODE>1965</CODE>", {{"retry-after", "9"}}, rules).wait_ms, 9000U);
  EXPECT_EQ(judged(409, "other", {}, rules).then, Then::stop);
  EXPECT_EQ(judged(200, "a\n<CODE>2001</CODE>", {}, rules).message, "the server answers 200: 'a\\n<CODE>2001</CODE>'");
  EXPECT_EQ(judged(404, "", {}, rules).then, Then::skip);
  EXPECT_EQ(judged(416, "", {}, rules).then, Then::end);
  EXPECT_EQ(judged(500, "<html>", {}, rules).then, Then::page);
  EXPECT_EQ(judged(200, "try again", {}, rules).then, Then::retry);
  EXPECT_EQ(judged(200, "data", {}, rules).then, Then::page);
}

TEST(HttpErrors, waits_of_the_standard_table) {
  const AnswerRules rules{{}, {"retry-after"}, {}};
  EXPECT_EQ(judged(503, "", {{"retry-after", "2"}}, rules).wait_ms, 2000U);
  EXPECT_FALSE(judged(503, "", {}, rules).wait_ms);
}

TEST(HttpErrors, evidence_is_short_visible_and_without_secrets) {
  AnswerRules rules = rules_of("[ { body = 'FAULT', then = 'stop' } ]").rules;
  rules.secrets = {"s3cret"};
  EXPECT_EQ(judged(400, "\x1B[2J s3cret", {}, rules).message, "the server answers 400: '\\x1B[2J ***'");
  const std::string far = std::string(5000, 'x') + "s3cret FAULT 7" + std::string(5000, 'y');
  const std::string message = judged(200, far, {}, rules).message;
  EXPECT_NE(message.find("*** FAULT 7yyy"), std::string::npos) << message;
  EXPECT_EQ(message.find("s3cret"), std::string::npos);
  EXPECT_LT(message.size(), 260U);
}

TEST(HttpErrors, how_much_of_a_body_is_looked_at) {
  const auto rules = rules_of("[ { status = 200, body = 'x', then = 'stop' }, { status = 202, then = 'stop' } ]").rules;
  EXPECT_EQ(judged_bytes(rules, {200, {}, true}), 64U * 1024);
  EXPECT_EQ(judged_bytes(rules, {202, {}, true}), 1024U);
  EXPECT_EQ(judged_bytes(rules, {404, {}, true}), 1024U);
  EXPECT_EQ(judged_bytes(rules, {204, {}, true}), 0U);
  EXPECT_EQ(judged_bytes(rules, {302, {{"location", "/"}}, true}), 0U);
  EXPECT_EQ(judged(200, std::string(64 * 1024, ' ') + "x", {}, rules).then, Then::page) << "not behind them";
}

TEST(HttpErrors, rules_that_cannot_be) {
  struct Case {
    const char* rule;
    const char* message;
  };
  for (const Case& one : std::vector<Case>{
           {"{ then = 'ok' }", "a rule of 'errors' needs 'status', 'body' or both"},
           {"{ status = 4 , then = 'ok' }", "'status' must be the status of an answer, 200 to 599, not 4"},
           {"{ status = 400 }", "'errors' 1 of source 'http' needs 'then'"},
           {"{ status = 400, then = 'waite' }", "(did you mean 'wait'?)"},
           {"{ status = 400, then = 'stop', for = '1s' }", "'for' belongs to then = \"wait\" or \"retry\""},
           {"{ body = '/(/', then = 'stop' }", "'body' '/(/' is not an RE2 pattern: missing ): ("},
       }) {
    const std::string errors = rules_of(std::string("[ ") + one.rule + " ]").errors;
    EXPECT_NE(errors.find(one.message), std::string::npos) << one.rule << "\n" << errors;
  }
}

}  // namespace
}  // namespace leat
