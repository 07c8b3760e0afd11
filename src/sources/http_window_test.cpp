#include "sources/http_window.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/time.h"

namespace leat {
namespace {

constexpr int64_t kDay = kSecondsPerDay * kMicrosPerSecond;

int64_t at(std::string_view text) {
  return parse_iso_time(text).value();
}

std::vector<Window> all(const WindowRules& rules, int64_t horizon, std::optional<Window> last = std::nullopt) {
  std::vector<Window> windows;
  while (windows.size() < 1000) {
    const auto next = next_window(rules, last, horizon);
    if (!next) break;
    windows.push_back(*next);
    last = next;
    if (rules.by == WindowRules::By::run || rules.by == WindowRules::By::id) break;
  }
  return windows;
}

TEST(HttpWindow, EachBeginsWhereTheOneBeforeEnds) {
  WindowRules rules{.by = WindowRules::By::time, .has_before = true, .start = at("2026-01-01"), .length = 7 * kDay};
  rules.settle = 60 * kMicrosPerSecond;
  const int64_t horizon = horizon_of(rules, at("2026-01-31T12:00:00.9Z"));
  EXPECT_EQ(bound_text("", horizon), "2026-01-31T11:59:00Z");
  const std::vector<Window> windows = all(rules, horizon);
  ASSERT_EQ(windows.size(), 5U);
  EXPECT_EQ(windows.front().after, rules.start);
  EXPECT_EQ(windows.back().before, horizon);
  for (size_t i = 1; i < windows.size(); ++i) {
    EXPECT_EQ(windows[i].after, windows[i - 1].before);
    EXPECT_EQ(windows[i].number, i + 1);
  }
}

TEST(HttpWindow, AClockThatGoesBackMakesNone) {
  WindowRules rules{.by = WindowRules::By::time, .has_before = true, .start = at("2026-01-01"), .length = kDay};
  const Window last{.number = 3, .after = at("2026-01-03"), .before = at("2026-01-04")};
  EXPECT_FALSE(next_window(rules, last, at("2026-01-04")));
  EXPECT_FALSE(next_window(rules, last, at("2020-01-04")));
  const auto next = next_window(rules, last, at("2026-01-04T00:00:01Z"));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->after, last.before);
  EXPECT_EQ(next->number, 4U);
}

TEST(HttpWindow, AFullPullIsDueByTheClockWhicheverWayItWasSet) {
  WindowRules rules{.by = WindowRules::By::time, .has_before = true, .start = at("2026-01-01"), .length = kDay};
  const int64_t then = at("2026-03-01");
  Window last{.number = 60, .after = at("2026-02-28"), .before = then, .full = then};
  EXPECT_FALSE(is_full_due(rules, last, then + 900 * kDay));
  rules.full_every = 30 * kDay;
  EXPECT_FALSE(is_full_due(rules, last, then));
  EXPECT_FALSE(is_full_due(rules, last, then + 30 * kDay - 1));
  EXPECT_TRUE(is_full_due(rules, last, then + 30 * kDay));
  EXPECT_FALSE(is_full_due(rules, last, then - kDay));  // set back a little
  EXPECT_TRUE(is_full_due(rules, last, then - 30 * kDay));
  EXPECT_TRUE(is_full_due(rules, std::nullopt, then));
  const auto first = first_of_full(rules, last, at("2026-04-01"), at("2026-04-01"));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->number, 61U);
  EXPECT_EQ(first->after, rules.start);
  EXPECT_EQ(first->before, at("2026-01-02"));
  EXPECT_EQ(first->full, at("2026-04-01"));
  EXPECT_FALSE(first->last);
  EXPECT_EQ(next_window(rules, first, at("2026-01-03"))->full, first->full);
  EXPECT_TRUE(next_window(rules, first, at("2026-01-03"))->last);
  last.full.reset();  // the option is new
  EXPECT_TRUE(is_full_due(rules, last, then));
}

TEST(HttpWindow, WithoutBeforeThereIsOneUpToTheClock) {
  const WindowRules rules{.by = WindowRules::By::time, .start = at("2016-01-01"), .length = kDay};
  const std::vector<Window> windows = all(rules, at("2026-01-01"));
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].before, at("2026-01-01"));
}

TEST(HttpWindow, NumbersGoUpToUntil) {
  WindowRules rules{.by = WindowRules::By::number, .has_before = true, .start = 0, .length = 100, .until = 250};
  const std::vector<Window> windows = all(rules, 0);
  ASSERT_EQ(windows.size(), 3U);
  EXPECT_EQ(windows[2].after, 200);
  EXPECT_EQ(windows[2].before, 250);
  rules.until = 400;  // raised later
  EXPECT_EQ(all(rules, 0, windows[2]).size(), 2U);
}

TEST(HttpWindow, UntilHoldsForTimesToo) {
  const WindowRules rules{
      .by = WindowRules::By::time, .has_before = true, .start = at("2026-01-01"), .until = at("2026-01-02")};
  EXPECT_EQ(all(rules, horizon_of(rules, at("2026-06-01"))).back().before, at("2026-01-02"));
}

TEST(HttpWindow, ByIdBeginsWhereTheLastOneEnded) {
  const WindowRules rules{.by = WindowRules::By::id, .start = 10};
  EXPECT_EQ(next_window(rules, std::nullopt, 0)->after, 10);
  const Window last{.number = 1, .after = 10, .before = 99};
  const auto next = next_window(rules, last, 0);
  EXPECT_EQ(next->after, 99);
  EXPECT_FALSE(next->before);
}

TEST(HttpWindow, ARunHasNoBounds) {
  const auto next = next_window({}, Window{.number = 7}, 0);
  EXPECT_EQ(next->number, 8U);
  EXPECT_FALSE(next->after || next->before);
}

TEST(HttpWindow, BoundsAsApisWantThem) {
  const int64_t time = at("2026-01-02T03:04:05.678Z");
  EXPECT_EQ(bound_text("", time), "2026-01-02T03:04:05Z");
  EXPECT_EQ(bound_text("unix", time), "1767323045");
  EXPECT_EQ(bound_text("unix_ms", time), "1767323045678");
  EXPECT_EQ(bound_text("integer", 86400), "86400");
  EXPECT_EQ(bound_text("%Y%m%d %H:%M:%S.%f%%", time), "20260102 03:04:05.678000%");
  EXPECT_EQ(bound_text("unix", -1), "-1");
  EXPECT_EQ(trouble_with_format("%Y-%m"), "");
  EXPECT_EQ(trouble_with_format("%Y-%q"), "'%q' is none of %Y %m %d %H %M %S %f %%");
  EXPECT_EQ(trouble_with_format("%"), "it ends with %");
  EXPECT_EQ(trouble_with_format("epoch"), "it is none of iso, unix, unix_ms, integer, and has no %Y");
}

}  // namespace
}  // namespace leat
