#include "sources/http_limits.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

constexpr uint64_t kLongestWaitMs = 24 * 3'600'000;
constexpr int64_t kMostRequests = 1'000'000;
constexpr int64_t kSmallestEpoch = 100'000'000;               // more seconds than this are counted since 1970 …
constexpr int64_t kSmallestEpochMs = kSmallestEpoch * 1000;   // … and more than these are milliseconds …
constexpr int64_t kLargestEpochMs = kSmallestEpochMs * 1000;  // … up to the year 5138

// What a header says of waiting: seconds, a time, or seconds since 1970.
std::optional<uint64_t> parse_wait_ms(std::string_view text, int64_t server_micros) {
  text = trim(text);
  std::optional<int64_t> until_micros;
  if (const auto seconds = parse_integer(text.substr(0, text.find('.')))) {
    if (*seconds < 0) return std::nullopt;
    if (*seconds < kSmallestEpoch) {
      const uint64_t rounded_up = text.find('.') == std::string_view::npos ? 0 : 1000;
      return std::min(static_cast<uint64_t>(*seconds) * 1000 + rounded_up, kLongestWaitMs);
    }
    if (*seconds > kLargestEpochMs) return std::nullopt;
    until_micros = *seconds * (*seconds > kSmallestEpochMs ? 1000 : kMicrosPerSecond);
  } else {
    until_micros = parse_http_date(text);
    if (!until_micros) until_micros = parse_iso_time(text);
  }
  if (!until_micros) return std::nullopt;
  if (*until_micros <= server_micros) return 0;
  return std::min((static_cast<uint64_t>(*until_micros - server_micros) + 999) / 1000, kLongestWaitMs);
}

int64_t server_micros(const os::HttpHead& head, int64_t now_micros) {
  const std::string* date = head.find("date");
  return date != nullptr ? parse_http_date(*date).value_or(now_micros) : now_micros;
}

// Until requests are counted anew, when none is left.
std::optional<uint64_t> exhausted_ms(const os::HttpHead& head, int64_t now_micros) {
  for (const std::string_view name : {"x-ratelimit", "ratelimit", "x-rate-limit"}) {
    const std::string* remaining = head.find(fmt::format("{}-remaining", name));
    const std::string* reset = head.find(fmt::format("{}-reset", name));
    if (remaining == nullptr || reset == nullptr || parse_integer(trim(*remaining)).value_or(1) > 0) continue;
    return parse_wait_ms(*reset, server_micros(head, now_micros));
  }
  return std::nullopt;
}

}  // namespace

std::optional<RequestBudget> parse_request_budget(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto requests = parse_integer(trim(text.substr(0, slash)));
  if (!requests || *requests < 1 || *requests > kMostRequests) return std::nullopt;
  struct Unit {
    std::string_view name;
    uint64_t ms;
  };
  for (const Unit& unit : {Unit{"s", 1000}, Unit{"min", 60'000}, Unit{"h", 3'600'000}, Unit{"d", 86'400'000}}) {
    if (trim(text.substr(slash + 1)) == unit.name) return RequestBudget{static_cast<uint64_t>(*requests), unit.ms};
  }
  return std::nullopt;
}

std::optional<uint64_t> named_wait_ms(const os::HttpHead& head, const std::vector<std::string>& wait_headers,
                                      int64_t now_micros) {
  for (const std::string& name : wait_headers) {
    const std::string* value = head.find(name);
    if (value == nullptr) continue;
    const auto wait = parse_wait_ms(*value, server_micros(head, now_micros));
    if (wait && *wait > 0) return wait;
  }
  return std::nullopt;
}

HttpLimitRules http_limit_rules(const Settings& limits) {
  HttpLimitRules rules;
  rules.budget = parse_request_budget(limits.text("requests"));
  if (limits.has("wait_headers")) {
    rules.wait_headers.clear();
    for (const std::string& name : limits.texts("wait_headers")) rules.wait_headers.push_back(lower_case(name));
  }
  return rules;
}

void check_http_limits(const Settings& limits, Complaints& complaints) {
  const Value* written = limits.find("requests");
  if (written == nullptr || parse_request_budget(written->text)) return;
  complaints.add(written->at, fmt::format("'requests' must be a budget such as \"300/h\", \"5/s\", \"100/min\" or "
                                          "\"5000/d\", of at most {}, not {}",
                                          with_commas(kMostRequests), shown(*written)));
}

uint64_t HttpLimits::wait_ms() {
  const uint64_t now = clock_.steady_ms();
  uint64_t until = held_until_ms_;
  if (rules_.budget) {
    const auto [requests, per_ms] = *rules_.budget;
    while (!sent_ms_.empty() && sent_ms_.front() + per_ms <= now) sent_ms_.pop_front();
    const size_t sent = sent_ms_.size();
    if (sent > 0 && sent >= requests / 10) {
      // What is left of the budget, over the time until the oldest request is forgotten; never closer than on average.
      const uint64_t last = sent_ms_.back();
      const uint64_t free_ms = sent_ms_.front() + per_ms;
      const uint64_t even =
          last + std::max((free_ms - last) / (requests - std::min(sent, requests) + 1), per_ms / requests);
      until = std::max(until, sent >= requests ? std::max(even, free_ms) : even);
    }
  }
  return until > now ? until - now : 0;
}

void HttpLimits::sent() {
  if (rules_.budget) sent_ms_.push_back(clock_.steady_ms());
}

void HttpLimits::answered(const os::HttpHead& head) {
  const int64_t now_micros = clock_.now_micros();
  const auto named = named_wait_ms(head, rules_.wait_headers, now_micros);
  const uint64_t wait = std::max(named.value_or(0), exhausted_ms(head, now_micros).value_or(0));
  if (wait > 0) held_until_ms_ = std::max(held_until_ms_, clock_.steady_ms() + wait);
}

}  // namespace leat
