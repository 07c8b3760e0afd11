#include "sources/http_limits.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "config/toml.h"
#include "tests/support/fake_clock.h"

namespace leat {
namespace {

using leat::testing::FakeClock;

os::HttpHead head_with(os::HttpHeaders headers) {
  return {200, std::move(headers), true};
}

// When requests go out, in milliseconds, if one is always there to be sent.
std::vector<uint64_t> sent_at(std::string_view budget, size_t count) {
  FakeClock clock;
  const uint64_t start = clock.steady_ms();
  HttpLimits limits({parse_request_budget(budget), {}}, clock);
  std::vector<uint64_t> times;
  while (times.size() < count) {
    while (const uint64_t wait = limits.wait_ms()) clock.advance_ms(wait);
    limits.sent();
    times.push_back(clock.steady_ms() - start);
  }
  return times;
}

TEST(HttpLimits, budgets_as_they_are_written) {
  EXPECT_EQ(parse_request_budget("300/h")->requests, 300U);
  EXPECT_EQ(parse_request_budget("300/h")->per_ms, 3'600'000U);
  EXPECT_EQ(parse_request_budget(" 5 / s ")->per_ms, 1000U);
  EXPECT_EQ(parse_request_budget("1/min")->per_ms, 60'000U);
  EXPECT_EQ(parse_request_budget("1000000/d")->per_ms, 86'400'000U);
  for (const char* none : {"", "300", "/h", "0/h", "-1/h", "300/hour", "300/m", "1000001/s", "1.5/s", "1/s/s"}) {
    EXPECT_FALSE(parse_request_budget(none)) << none;
  }
}

TEST(HttpLimits, no_budget_no_waiting) {
  EXPECT_EQ(sent_at("", 100).back(), 0U);
}

TEST(HttpLimits, a_tenth_at_once_and_then_evenly) {
  const auto times = sent_at("100/s", 400);
  EXPECT_EQ(times[9], 0U);
  EXPECT_EQ(times[10], 10U);
  for (size_t i = 10; i < times.size(); ++i) {
    EXPECT_GE(times[i] - times[i - 1], 10U) << i;
    EXPECT_LE(times[i] - times[i - 1], 30U) << i;
    if (i >= 100) {
      EXPECT_GE(times[i] - times[i - 100], 1000U) << "never more than 100 in a second: " << i;
    }
  }
  EXPECT_LE(times.back(), 4000U) << "and no fewer";
}

TEST(HttpLimits, a_small_budget) {
  EXPECT_EQ(sent_at("1/h", 3), (std::vector<uint64_t>{0, 3'600'000, 7'200'000}));
  EXPECT_EQ(sent_at("3/min", 5), (std::vector<uint64_t>{0, 20'000, 40'000, 60'000, 80'000}));
}

TEST(HttpLimits, every_budget_holds_in_any_stretch) {
  for (const char* text : {"2/s", "7/s", "19/s", "20/s", "21/s", "333/s", "999/s"}) {
    const auto budget = *parse_request_budget(text);
    const auto times = sent_at(text, budget.requests * 5);
    for (size_t i = budget.requests; i < times.size(); ++i) {
      ASSERT_GE(times[i] - times[i - budget.requests], budget.per_ms) << text << " " << i;
    }
  }
}

TEST(HttpLimits, what_was_not_used_can_be_used_later) {
  FakeClock clock;
  HttpLimits limits({parse_request_budget("100/s"), {}}, clock);
  for (int i = 0; i < 10; ++i) limits.sent();
  EXPECT_GT(limits.wait_ms(), 0U);
  clock.advance_ms(1000);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limits.wait_ms(), 0U);
    limits.sent();
  }
}

TEST(HttpLimits, waits_that_answers_name) {
  const std::vector<std::string> names{"retry-after", "x-ratelimit-towait-sec"};
  const int64_t now = *parse_iso_time("2026-01-01T00:00:00Z");
  const auto wait = [&](os::HttpHeaders headers) { return named_wait_ms(head_with(std::move(headers)), names, now); };
  EXPECT_EQ(wait({{"retry-after", "120"}}), 120'000U);
  EXPECT_EQ(wait({{"retry-after", " 1.5 "}}), 2000U);
  EXPECT_EQ(wait({{"retry-after", "Thu, 01 Jan 2026 00:01:00 GMT"}}), 60'000U);
  EXPECT_EQ(wait({{"retry-after", "2026-01-01T00:00:30Z"}}), 30'000U);
  EXPECT_EQ(wait({{"retry-after", "1767225605"}}), 5000U) << "seconds since 1970";
  EXPECT_EQ(wait({{"retry-after", "1767225605000"}}), 5000U) << "and milliseconds";
  EXPECT_EQ(wait({{"date", "Thu, 01 Jan 2026 00:00:50 GMT"}, {"retry-after", "Thu, 01 Jan 2026 00:01:00 GMT"}}),
            10'000U)
      << "by the server's clock";
  EXPECT_EQ(wait({{"x-ratelimit-towait-sec", "7"}, {"retry-after", "0"}}), 7000U);
  EXPECT_EQ(wait({{"retry-after", "999999"}}), 86'400'000U) << "at most a day";
  for (const char* none :
       {"0", "-5", "soon", "", "Thu, 01 Jan 2025 00:00:00 GMT", "99999999999999999999", "9223372036854775807"}) {
    EXPECT_FALSE(wait({{"retry-after", none}})) << none;
  }
}

TEST(HttpLimits, an_answer_holds_the_next_request) {
  FakeClock clock;
  HttpLimits limits({}, clock);
  limits.answered(
      head_with({{"x-ratelimit-towait-sec", "0"}, {"x-ratelimit-remaining", "12"}, {"x-ratelimit-reset", "9"}}));
  EXPECT_EQ(limits.wait_ms(), 0U);
  limits.answered(head_with({{"retry-after", "30"}}));
  EXPECT_EQ(limits.wait_ms(), 30'000U);
  clock.advance_ms(29'000);
  limits.answered(head_with({}));
  EXPECT_EQ(limits.wait_ms(), 1000U);
}

TEST(HttpLimits, the_last_request_of_a_server_s_count_is_honoured_before_the_block) {
  struct Case {
    os::HttpHeaders headers;
    uint64_t wait_ms;
  };
  FakeClock clock;
  const std::string soon = std::to_string(clock.now_micros() / kMicrosPerSecond + 40);
  for (const Case& one : std::vector<Case>{
           {{{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "60"}}, 60'000},
           {{{"ratelimit-remaining", "0"}, {"ratelimit-reset", "5"}}, 5000},
           {{{"x-rate-limit-remaining", "-1"}, {"x-rate-limit-reset", "5"}}, 5000},
           {{{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", soon}}, 40'000},
           {{{"x-ratelimit-remaining", "0"}}, 0},
           {{{"x-ratelimit-remaining", "1"}, {"x-ratelimit-reset", "60"}}, 0},
           {{{"x-ratelimit-remaining", "many"}, {"x-ratelimit-reset", "60"}}, 0},
       }) {
    HttpLimits limits({}, clock);
    limits.answered(head_with(one.headers));
    EXPECT_NEAR(static_cast<double>(limits.wait_ms()), static_cast<double>(one.wait_ms), 1) << one.headers[0].second;
  }
}

TEST(HttpLimits, the_section) {
  const auto check = [](const std::string& text) {
    Complaints complaints("f.toml", text);
    const Value root = parse_toml(text, complaints);
    const Settings settings = check_options({root, {1, 1, 1}, kHttpLimitOptions, "'limits'", "/"}, complaints);
    check_http_limits(settings, complaints);
    return std::pair(http_limit_rules(settings), complaints.text());
  };
  const auto [rules, errors] = check("requests = '2/min'\nwait_headers = ['X-Wait']\n");
  EXPECT_EQ(errors, "");
  EXPECT_EQ(rules.budget->requests, 2U);
  EXPECT_EQ(rules.wait_headers, std::vector<std::string>{"x-wait"});
  EXPECT_FALSE(check("").first.budget);
  EXPECT_EQ(check("").first.wait_headers.at(0), "retry-after");
  EXPECT_EQ(
      check("requests = '2/hour'").second,
      "f.toml:1:12: 'requests' must be a budget such as \"300/h\", \"5/s\", \"100/min\" or \"5000/d\", of at most "
      "1,000,000, not '2/hour'\n  requests = '2/hour'\n             ^~~~~~~~");
}

}  // namespace
}  // namespace leat
