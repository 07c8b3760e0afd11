#include "decoders/log_time.h"

#include <gtest/gtest.h>

#include <string>

#include "base/time.h"

namespace leat {
namespace {

std::string read(LogClock& clock, std::string_view text) {
  int64_t micros = 0;
  EXPECT_EQ(text.size(), kLogTimeSize);
  return clock.read(text, &micros) ? format_time(micros) : "not a time";
}

std::string read(std::string_view text) {
  LogClock clock;
  return read(clock, text);
}

TEST(LogTime, ZonesBecomeUtc) {
  EXPECT_EQ(read("22/Nov/2026:13:39:28 +0000"), "2026-11-22 13:39:28");
  EXPECT_EQ(read("10/Oct/2000:13:55:36 -0700"), "2000-10-10 20:55:36");
  EXPECT_EQ(read("01/Jan/2026:01:15:00 +0330"), "2025-12-31 21:45:00");
  EXPECT_EQ(read("28/Feb/2024:23:59:59 -0001"), "2024-02-29 00:00:59");
  EXPECT_EQ(read("01/Jan/1970:00:00:07 +0000"), "1970-01-01 00:00:07");
}

TEST(LogTime, TheMemoryOfTheLastMinuteIsNotMixedUp) {
  LogClock clock;
  EXPECT_EQ(read(clock, "22/Nov/2026:13:39:28 +0000"), "2026-11-22 13:39:28");
  EXPECT_EQ(read(clock, "22/Nov/2026:13:39:59 +0000"), "2026-11-22 13:39:59");
  EXPECT_EQ(read(clock, "22/Nov/2026:13:39:59 +0100"), "2026-11-22 12:39:59");
  EXPECT_EQ(read(clock, "22/Nov/2026:13:39:xx +0100"), "not a time");
  EXPECT_EQ(read(clock, "22/Nov/2026:13:39:61 +0100"), "not a time");
  EXPECT_EQ(read(clock, "31/Feb/2026:13:39:01 +0100"), "not a time");
  EXPECT_EQ(read(clock, "22/Nov/2026:13:39:01 +0100"), "2026-11-22 12:39:01");
  EXPECT_EQ(read(clock, "22/Nov/2026:13:40:01 +0100"), "2026-11-22 12:40:01");
}

TEST(LogTime, ALeapSecondIsTheNextMinutesFirst) {
  EXPECT_EQ(read("31/Dec/2016:23:59:60 +0000"), "2017-01-01 00:00:00");
}

TEST(LogTime, WhatIsNoTime) {
  for (const char* text : {"31/Feb/2026:10:00:00 +0000", "00/Jan/2026:10:00:00 +0000", "29/Feb/2023:10:00:00 +0000",
                           "01/Jan/2026:24:00:00 +0000", "01/Jan/2026:10:60:00 +0000", "01/Jan/2026:10:00:61 +0000",
                           "01/Jan/2026:10:00:00 +2400", "01/Jan/2026:10:00:00 +0060", "01/Jan/0000:10:00:00 +0000",
                           "01/Jan/9999:10:00:00 +0000", "01/jan/2026:10:00:00 +0000", "1 /Jan/2026:10:00:00 +0000",
                           "01/Jan/2026 10:00:00 +0000", "01/Jan/2026:10:00:00 00000", "01/Jan/2026:10:00:0x +0000"}) {
    EXPECT_EQ(read(text), "not a time") << text;
  }
  EXPECT_EQ(read(std::string(18, '\0') + "00" + std::string(6, '\0')), "not a time");
}

TEST(LogTime, SaysWhereTheFormBreaks) {
  const auto mismatch = [](std::string_view text) {
    size_t at = 0;
    const std::string expected(log_time_mismatch(text, &at));
    return std::to_string(at) + " " + expected;
  };
  EXPECT_EQ(mismatch("x2/Nov/2026:13:39:28 +0000"), "0 a digit");
  EXPECT_EQ(mismatch("22-Nov-2026:13:39:28 +0000"), "2 '/'");
  EXPECT_EQ(mismatch("22/Nob/2026:13:39:28 +0000"), "3 a month (Jan to Dec)");
  EXPECT_EQ(mismatch("22/Nov/2026 13:39:28 +0000"), "11 ':'");
  EXPECT_EQ(mismatch("22/Nov/2026:13:39:28Z+0000"), "20 ' '");
  EXPECT_EQ(mismatch("22/Nov/2026:13:39:28 Z0000"), "21 '+' or '-'");
  EXPECT_EQ(mismatch("22/No"), "5 a month (Jan to Dec)");
  EXPECT_EQ(mismatch("22/Nov/20"), "9 a digit");
}

}  // namespace
}  // namespace leat
