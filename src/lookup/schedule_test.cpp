#include "lookup/schedule.h"

#include <gtest/gtest.h>

#include <map>

#include "base/time.h"

namespace leat {
namespace {

int64_t at(const std::string& time) {
  int64_t micros = 0;
  EXPECT_TRUE(parse_time(time.data(), time.size(), &micros)) << time;
  return micros / kMicrosPerSecond;
}
std::string text_of(int64_t seconds) {
  return format_time(seconds * kMicrosPerSecond);
}
Schedule schedule(const std::string& text, const std::string& zone = "UTC") {
  auto parsed = Schedule::parse(text, zone);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return *std::move(parsed);
}
std::string next(const std::string& text, const std::string& after, const std::string& zone = "UTC") {
  return text_of(schedule(text, zone).next_after(at(after)));
}
std::string refusal(const std::string& text, const std::string& zone = "UTC") {
  const auto parsed = Schedule::parse(text, zone);
  EXPECT_EQ(parsed.status().kind(), Kind::bad_config) << text;
  return parsed.status().message();
}

TEST(Schedule, EverySoOften) {
  EXPECT_EQ(next("every 3h", "2026-11-22 14:10:00"), "2026-11-22 15:00:00");
  EXPECT_EQ(next("every 3h", "2026-11-22 15:00:00"), "2026-11-22 18:00:00");
  EXPECT_EQ(next("every 3h", "2026-11-22 22:00:00"), "2026-11-23 00:00:00");
  EXPECT_EQ(next("every 90s", "1970-01-01 00:00:01"), "1970-01-01 00:01:30");
  EXPECT_EQ(next("every 1d", "1969-12-30 10:00:00"), "1969-12-31 00:00:00");
  EXPECT_EQ(next("every 3h", "2026-11-22 14:10:00", "Asia/Kolkata"), "2026-11-22 15:00:00");
}

TEST(Schedule, FieldsOfCron) {
  EXPECT_EQ(next("0 */3 * * *", "2026-11-22 14:10:00"), "2026-11-22 15:00:00");
  EXPECT_EQ(next("0 */3 * * *", "2026-11-22 15:00:00"), "2026-11-22 18:00:00");
  EXPECT_EQ(next("* * * * *", "2026-11-22 23:59:30"), "2026-11-23 00:00:00");
  EXPECT_EQ(next("5,35 8-18/5 * * *", "2026-11-22 08:06:00"), "2026-11-22 08:35:00");
  EXPECT_EQ(next("5,35 8-18/5 * * *", "2026-11-22 08:35:00"), "2026-11-22 13:05:00");
  EXPECT_EQ(next("5,35 8-18/5 * * *", "2026-11-22 18:35:00"), "2026-11-23 08:05:00");
  EXPECT_EQ(next("30 2 1 * *", "2026-12-01 02:30:00"), "2027-01-01 02:30:00");
  EXPECT_EQ(next("0 0 31 * *", "2027-01-31 00:00:00"), "2027-03-31 00:00:00");
  EXPECT_EQ(next("0 0 29 feb *", "2096-02-29 00:00:00"), "2104-02-29 00:00:00");
  EXPECT_EQ(next("  0   6  *  JAN-mar,Oct  * ", "2026-03-31 06:00:00"), "2026-10-01 06:00:00");
  EXPECT_EQ(next("*/59 * * * *", "2026-11-22 14:00:00"), "2026-11-22 14:59:00");
  EXPECT_EQ(next("*/9999999999999 * * * *", "2026-11-22 14:00:00"), "2026-11-22 15:00:00");
}

TEST(Schedule, DaysOfTheWeek) {
  // 2026-11-22 is a Sunday.
  for (const char* sunday : {"0 12 * * 0", "0 12 * * 7", "0 12 * * sun"}) {
    EXPECT_EQ(next(sunday, "2026-11-22 12:00:00"), "2026-11-29 12:00:00") << sunday;
    EXPECT_EQ(next(sunday, "2026-11-21 12:00:00"), "2026-11-22 12:00:00") << sunday;
  }
  EXPECT_EQ(next("0 9 * * mon-fri", "2026-11-20 09:00:00"), "2026-11-23 09:00:00");
  EXPECT_EQ(next("0 9 * * 5-7", "2026-11-20 09:00:00"), "2026-11-21 09:00:00");
  EXPECT_EQ(next("0 9 * * 5-7", "2026-11-22 09:00:00"), "2026-11-27 09:00:00");
  // Both are restricted: either is enough. One begins with a star: both must fit.
  EXPECT_EQ(next("0 0 13 * fri", "2026-11-22 00:00:00"), "2026-11-27 00:00:00");
  EXPECT_EQ(next("0 0 13 * fri", "2026-12-11 00:00:00"), "2026-12-13 00:00:00");
  EXPECT_EQ(next("0 0 */2 * mon", "2026-11-22 00:00:00"), "2026-11-23 00:00:00");
  EXPECT_EQ(next("0 0 */2 * mon", "2026-11-23 00:00:00"), "2026-12-07 00:00:00");
}

TEST(Schedule, InATimeZone) {
  EXPECT_EQ(next("0 3 * * *", "2026-07-01 00:00:00", "Europe/Berlin"), "2026-07-01 01:00:00");
  EXPECT_EQ(next("0 3 * * *", "2026-01-01 00:00:00", "Europe/Berlin"), "2026-01-01 02:00:00");
  EXPECT_EQ(next("0 0 1 * *", "2026-01-01 00:00:00", "America/New_York"), "2026-01-01 05:00:00");
  EXPECT_EQ(next("30 23 * * *", "2026-11-22 00:00:00", "Pacific/Kiritimati"), "2026-11-22 09:30:00");
}

TEST(Schedule, ATimeThatTheClockSkips) {
  // Berlin: 2026-03-29 02:00 is 03:00, which is 01:00 UTC.
  EXPECT_EQ(next("30 2 * * *", "2026-03-28 12:00:00", "Europe/Berlin"), "2026-03-29 01:00:00");
  EXPECT_EQ(next("30 2 * * *", "2026-03-29 01:00:00", "Europe/Berlin"), "2026-03-30 00:30:00");
  // What stood in the skipped hour comes together, once.
  EXPECT_EQ(next("*/20 2-3 * * *", "2026-03-29 00:59:59", "Europe/Berlin"), "2026-03-29 01:00:00");
  EXPECT_EQ(next("*/20 2-3 * * *", "2026-03-29 01:00:00", "Europe/Berlin"), "2026-03-29 01:20:00");
  // Where a day begins at 01:00 (Beirut), and a day that was not there at all (Apia, 2011-12-30).
  EXPECT_EQ(next("0 0 * * *", "2025-03-29 12:00:00", "Asia/Beirut"), "2025-03-29 22:00:00");
  EXPECT_EQ(next("0 12 30 * *", "2011-12-29 00:00:00", "Pacific/Apia"), "2011-12-30 10:00:00");
}

TEST(Schedule, ATimeThatComesTwice) {
  // Berlin: 2026-10-25 03:00 is 02:00 again, which is 01:00 UTC.
  EXPECT_EQ(next("30 2 * * *", "2026-10-24 12:00:00", "Europe/Berlin"), "2026-10-25 00:30:00");
  EXPECT_EQ(next("30 2 * * *", "2026-10-25 00:30:00", "Europe/Berlin"), "2026-10-26 01:30:00");
  EXPECT_EQ(next("30 2 * * *", "2026-10-25 01:10:00", "Europe/Berlin"), "2026-10-26 01:30:00");
  EXPECT_EQ(next("0 * * * *", "2026-10-25 00:00:00", "Europe/Berlin"), "2026-10-25 02:00:00");
}

// Each moment leads to the next one, and none is missed between them, in the week of either change.
TEST(Schedule, MomentsAscend) {
  for (const char* text : {"*/15 * * * *", "30 2 * * *", "0 */3 * * *", "every 25m", "59 23 * * sat"}) {
    for (const char* zone : {"UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"}) {
      for (const char* begin : {"2026-03-26 00:00:00", "2026-04-03 00:00:00", "2026-10-22 00:00:00"}) {
        Schedule each = schedule(text, zone);
        int64_t moment = at(begin);
        const int64_t end = moment + 7 * kSecondsPerDay;
        while (moment < end) {
          const int64_t following = each.next_after(moment);
          ASSERT_GT(following, moment);
          ASSERT_EQ(each.next_after(moment + (following - moment) / 2), following) << text << " " << zone;
          ASSERT_EQ(each.next_after(following - 1), following) << text << " " << zone;
          moment = following;
        }
      }
    }
  }
}

TEST(Schedule, WhatIsDueWhileClocksJump) {
  Schedule each = schedule("every 3h");
  const int64_t last = at("2026-11-22 12:00:00");
  const auto due = [&](const std::string& now) { return text_of(each.next_after(each.count_from(last, at(now)))); };
  EXPECT_EQ(due("2026-11-22 12:10:00"), "2026-11-22 15:00:00");
  EXPECT_EQ(due("2026-11-22 15:00:00"), "2026-11-22 15:00:00");
  EXPECT_EQ(due("2026-11-23 08:00:00"), "2026-11-22 15:00:00") << "missed, whatever came after it";
  EXPECT_EQ(due("2026-11-22 11:59:58"), "2026-11-22 15:00:00") << "set back a little: 12:00 has run";
  EXPECT_EQ(due("2026-11-22 09:30:00"), "2026-11-22 15:00:00");
  EXPECT_EQ(due("2026-11-22 08:59:59"), "2026-11-22 09:00:00") << "set back by more than one run";
  EXPECT_EQ(due("2020-01-01 00:00:00"), "2020-01-01 03:00:00") << "the clock was wrong by years";
}

TEST(Schedule, WhatIsRefused) {
  const std::map<std::string, std::string> refused = {
      {"",
       "'' is neither \"every 3h\" nor the five fields of cron, such as \"0 */3 * * *\": minute, hour, day of the "
       "month, month, day of the week"},
      {"0 3 * *",
       "'0 3 * *' is neither \"every 3h\" nor the five fields of cron, such as \"0 */3 * * *\": minute, hour, "
       "day of the month, month, day of the week"},
      {"every 3 hours", "'3 hours' is not a duration of whole seconds, such as \"3h\" or \"15m\""},
      {"every 10ms", "'10ms' is not a duration of whole seconds, such as \"3h\" or \"15m\""},
      {"every 0s", "'0s' is not a duration of whole seconds, such as \"3h\" or \"15m\""},
      {"60 * * * *", "the minute '60' is not within 0 to 59"},
      {"* 24 * * *", "the hour '24' is not within 0 to 23"},
      {"* * 0 * *", "the day of the month '0' is not within 1 to 31"},
      {"* * * june *", "the month 'june' is not within 1 to 12"},
      {"* * * * 8", "the day of the week '8' is not within 0 to 7"},
      {"* * * * fri-mon", "the day of the week 'fri-mon' goes backwards"},
      {"1, * * * *", "the minute '' is not within 0 to 59"},
      {"-5 * * * *", "the minute '' is not within 0 to 59"},
      {"*/0 * * * *", "the step of the minute '*/0' is not 1 or more"},
      {"5/15 * * * *", "the minute '5/15' has a step without a range; write '*/15' or '5-59/15'"},
      {"0 0 30 2 *", "'0 0 30 2 *' never comes: no month of these has such a day"},
  };
  for (const auto& [text, message] : refused) EXPECT_EQ(refusal(text), message);
  EXPECT_EQ(refusal("* * * * *", "Europe/Berln"), "unknown time zone 'Europe/Berln' (did you mean 'Europe/Berlin'?)");
}

}  // namespace
}  // namespace leat
