#include "app/progress.h"

#include <gtest/gtest.h>

namespace leat::app {
namespace {

LiveStatus reading(uint64_t rows, uint64_t bytes, uint64_t left) {
  LiveStatus live;
  live.phase = Phase::reading;
  live.rows = rows;
  live.bytes = bytes;
  live.backlog_bytes = left;
  return live;
}

TEST(Progress, ABarWithRateAndRemainingTimeForABacklog) {
  Progress progress("logs");
  progress.look(reading(0, 0, 100'000'000), 1000);
  EXPECT_EQ(progress.line(""), "logs  [>                       ]   0%  0 rows  0/s");
  progress.look(reading(250'000, 25'000'000, 75'000'000), 2000);
  EXPECT_EQ(progress.line("2026-01-01: 5 visitors"),
            "logs  [======>                 ]  25%  250,000 rows  250k/s  3s left  2026-01-01: 5 visitors");
}

TEST(Progress, OneQuietLineAfterwards) {
  Progress progress("logs");
  LiveStatus live = reading(1000, 100'000'000, 0);
  live.phase = Phase::waiting_for_data;
  live.rejects = 1;
  progress.look(live, 1000);
  EXPECT_EQ(progress.line(""), "logs  1,000 rows, 1 reject  0/s  up to date");
  live = reading(1000, 100'000'000, 4096);
  progress.look(live, 2000);
  EXPECT_EQ(progress.line(""), "logs  1,000 rows  0/s  4.0 KiB behind");
}

TEST(Progress, WindowsThatAreDoneAndLeft) {
  Progress progress("api");
  LiveStatus live = reading(1000, 100'000, 0);
  live.backlog_bytes.reset();
  live.windows = {.done = 40, .begun = 2, .to_come = 158, .seconds_left = 750};
  progress.look(live, 1000);
  EXPECT_EQ(progress.line(""), "api  [====>                   ]  20%  1,000 rows  0/s  window 41 of 200  12m 30s left");
  live.backlog_bytes = 10'000'000;
  progress.look(live, 1500);
  EXPECT_EQ(progress.line("").find('['), progress.line("").rfind('[')) << "one bar";
  live.backlog_bytes.reset();
  live.windows = {.done = 200, .begun = 0, .to_come = 0};
  live.phase = Phase::waiting_for_data;
  progress.look(live, 2000);
  EXPECT_EQ(progress.line(""), "api  1,000 rows  0/s  up to date");
}

TEST(Progress, TroubleIsShown) {
  Progress progress("logs");
  LiveStatus live = reading(5, 100, 10);
  live.phase = Phase::waiting_to_retry;
  live.trouble = "web.db: the disk is full";
  progress.look(live, 1000);
  EXPECT_EQ(progress.line(""), "logs  5 rows  0/s  waiting: web.db: the disk is full");
}

TEST(Progress, TheRateIsThatOfTheLastSeconds) {
  Progress progress("logs");
  progress.look(reading(0, 0, 0), 0);
  progress.look(reading(1'000'000, 0, 0), 1000);
  for (uint64_t second = 2; second < 20; ++second) progress.look(reading(1'000'000, 0, 0), second * 1000);
  EXPECT_EQ(progress.rows_per_second(), 0);
}

TEST(Progress, NumbersAtAGlance) {
  EXPECT_EQ(human_rate(0), "0");
  EXPECT_EQ(human_rate(-1), "0");
  EXPECT_EQ(human_rate(9999), "9,999");
  EXPECT_EQ(human_rate(310'000), "310k");
  EXPECT_EQ(human_rate(999'900), "1.0M");
  EXPECT_EQ(bar(-1, 4), "[>   ]");
  EXPECT_EQ(bar(0.5, 4), "[==> ]");
  EXPECT_EQ(bar(2, 4), "[====]");
}

TEST(Progress, OfATableItCountsRows) {
  Progress progress("people", true);
  LiveStatus live;
  live.phase = Phase::reading;
  live.rows = live.bytes = 4'000;
  live.backlog_bytes = 12'000;
  progress.look(live, 1000);
  EXPECT_EQ(progress.line(""), "people  [======>                 ]  25%  4,000 rows  0/s");
  live.phase = Phase::waiting_for_data;
  progress.look(live, 2000);
  EXPECT_EQ(progress.line(""), "people  4,000 rows  0/s  12,000 rows behind");
}

}  // namespace
}  // namespace leat::app
