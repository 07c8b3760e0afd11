#pragma once

// How often a server may be asked: a budget of the user's, and what the server's answers say of its limits, honoured
// before it has to refuse. One for each source, over all its windows. The reader thread.

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "os/clock.h"
#include "os/http_client.h"

namespace leat {

struct RequestBudget {
  uint64_t requests = 0;  // at most so many …
  uint64_t per_ms = 0;    // … in any stretch of this length
};

// "300/h": so many each s, min, h or d. Nothing when it is not one, or more than a million.
std::optional<RequestBudget> parse_request_budget(std::string_view text);

// The wait that the first of these headers (in lower case) names that is there, but 0: seconds, a time (as HTTP or ISO
// 8601 writes it) or seconds since 1970, by the server's own clock where it says it. At most a day.
std::optional<uint64_t> named_wait_ms(const os::HttpHead& head, const std::vector<std::string>& wait_headers,
                                      int64_t now_micros);

struct HttpLimitRules {
  std::optional<RequestBudget> budget;
  std::vector<std::string> wait_headers = {"retry-after", "x-ratelimit-towait-sec"};  // in lower case
};

// The section `limits`. `concurrency` is the source's.
inline constexpr std::array<Option, 3> kHttpLimitOptions{{
    {.name = "requests",
     .help = "a budget over all windows: \"300/h\" (or /s, /min, /d), after its first tenth spent evenly"},
    {.name = "concurrency", .type = OptionType::integer, .standard = "1", .help = "windows asked at the same time"},
    {.name = "wait_headers",
     .type = OptionType::names,
     .help = "headers of an answer that say how long to wait before the next request, in seconds or as a time; without "
             "it Retry-After and X-RateLimit-ToWait-Sec"},
}};
HttpLimitRules http_limit_rules(const Settings& limits);
void check_http_limits(const Settings& limits, Complaints& complaints);

class HttpLimits {
 public:
  HttpLimits(HttpLimitRules rules, os::Clock& clock) : rules_(std::move(rules)), clock_(clock) {}

  // Milliseconds until the next request may be sent; 0: now.
  [[nodiscard]] uint64_t wait_ms();
  void sent();
  // Every answer's head: a named wait, and a count of remaining requests that is 0, hold all requests.
  void answered(const os::HttpHead& head);
  [[nodiscard]] const std::vector<std::string>& wait_headers() const { return rules_.wait_headers; }

 private:
  HttpLimitRules rules_;
  os::Clock& clock_;
  std::deque<uint64_t> sent_ms_;  // within the budget's stretch, the oldest first
  uint64_t held_until_ms_ = 0;
};

}  // namespace leat
