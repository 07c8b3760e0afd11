#include "lookup/calendar.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

TEST(Calendar, IsWrittenAsText) {
  EXPECT_EQ(format_calendar(CalendarUnit::month, 0), "1970-01");
  EXPECT_EQ(format_calendar(CalendarUnit::month, -1), "1969-12");
  EXPECT_EQ(format_calendar(CalendarUnit::month, -12), "1969-01");
  EXPECT_EQ(format_calendar(CalendarUnit::month, 12 * 55 + 2), "2025-03");
  EXPECT_EQ(format_calendar(CalendarUnit::day, -1), "1969-12-31");
  EXPECT_EQ(format_calendar(CalendarUnit::hour, -1), "1969-12-31 23");
  EXPECT_EQ(format_calendar(CalendarUnit::minute, -1), "1969-12-31 23:59");
  EXPECT_EQ(format_calendar(CalendarUnit::minute, 61), "1970-01-01 01:01");
}

TEST(Calendar, NumbersCountFrom1970) {
  constexpr int64_t kDay = 86'400;
  EXPECT_EQ(calendar_number(CalendarUnit::day, -1), -1);
  EXPECT_EQ(calendar_number(CalendarUnit::hour, 2 * kDay), 48);
  EXPECT_EQ(calendar_number(CalendarUnit::minute, -61), -2);
  EXPECT_EQ(calendar_number(CalendarUnit::month, 31 * kDay), 1);
  EXPECT_EQ(calendar_number(CalendarUnit::month, -1), -1);
}

}  // namespace
}  // namespace leat
