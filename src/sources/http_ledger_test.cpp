#include "sources/http_ledger.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "base/time.h"

namespace leat {
namespace {

constexpr int64_t kSecond = kMicrosPerSecond;

// Windows of ten seconds up to 1000, each begun five seconds after the one before.
struct Made {
  Positions positions;
  void add(bool done, const std::function<void(HttpToken&)>& how = nullptr) {
    const auto n = static_cast<int64_t>(positions.size());
    HttpToken token;
    token.after = n * 10 * kSecond;
    token.before = (n + 1) * 10 * kSecond;
    token.to = 1000 * kSecond;
    token.is_time = true;
    token.at = n * 5 * kSecond + 1;
    token.done = done;
    if (how) how(token);
    positions.push_back(
        {.part = "https://h/#" + std::to_string(n + 1), .origin = "", .offset = 0, .token = token.text()});
  }
  [[nodiscard]] Windows progress() const { return progress_of(find_ledger(positions)); }
};

TEST(HttpLedger, DoneAndLeft) {
  Made made;
  EXPECT_TRUE(find_ledger(made.positions).windows.empty());
  for (int i = 0; i < 28; ++i) made.add(true);
  made.add(false);
  made.add(false);
  EXPECT_EQ(made.progress(), (Windows{.done = 28, .begun = 2, .to_come = 70, .seconds_left = 72 * 5}));
  EXPECT_EQ(shown(find_ledger(made.positions).windows.back().window),
            "window 30, 1970-01-01 00:04:50 to 1970-01-01 00:05:00 UTC");
  std::swap(made.positions.front(), made.positions[7]);  // parts stand in the order in which they were first seen
  EXPECT_EQ(made.progress().to_come, 70U);
}

TEST(HttpLedger, AWindowThatWasSplitIsNoMeasure) {
  Made made;
  for (int i = 0; i < 3; ++i) made.add(true);
  made.add(false, [](HttpToken& token) { token.before = *token.before - 5 * kSecond; });
  EXPECT_EQ(made.progress().to_come, 97U);
}

TEST(HttpLedger, WhileLeatIsDownNoWindowTakesLong) {
  Made made;
  for (int i = 0; i < 30; ++i) {
    made.add(true, [&](HttpToken& token) { token.at += i < 20 ? 0 : 3 * 3600 * kSecond; });
  }
  EXPECT_EQ(made.progress().seconds_left, 70U * 5);
}

TEST(HttpLedger, OfAFullPullItsOwnWindowsCount) {
  Made made;
  for (int i = 0; i < 10; ++i) made.add(true, [&](HttpToken& token) { token.full = 1, token.last = i == 9; });
  EXPECT_FALSE(find_ledger(made.positions).full_under_way);
  made.add(true, [](HttpToken& token) { token.full = 1; });
  EXPECT_FALSE(find_ledger(made.positions).full_under_way);  // an increment behind it
  made.add(true, [](HttpToken& token) { token.full = 2; });
  made.add(false, [](HttpToken& token) { token.full = 2; });
  EXPECT_TRUE(find_ledger(made.positions).full_under_way);
  EXPECT_EQ(made.progress().done, 1U);
  made.add(true, [](HttpToken& token) { token.full = 2, token.last = true; });
  EXPECT_TRUE(find_ledger(made.positions).full_under_way);  // the one before it is not done
}

TEST(HttpLedger, AWindowThatGoesBackToItsBeginningBeginsNoFullPull) {
  for (size_t back = 0; back < 12; ++back) {
    Made made;
    for (size_t i = 0; i < 12; ++i) {
      made.add(i != back, [&](HttpToken& token) { token.full = i < 5 ? 1 : 2, token.last = i == 4 || i == 9; });
    }
    EXPECT_FALSE(find_ledger(made.positions).full_under_way) << back;
  }
}

TEST(HttpLedger, OtherPositionsAreNone) {
  EXPECT_TRUE(find_ledger({{.part = "/logs/a.log#1", .origin = "", .offset = 5, .token = "1 line=2"}}).windows.empty());
  EXPECT_EQ(shown(Window{.number = 4}), "window 4");
  EXPECT_EQ(shown(Window{.number = 4, .after = 17}), "window 4, from 17");
  EXPECT_EQ(shown(Window{.number = 4, .after = 17, .before = 20}), "window 4, 17 to 20");
}

}  // namespace
}  // namespace leat
