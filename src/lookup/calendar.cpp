#include "lookup/calendar.h"

#include <fmt/format.h>

#include "base/time.h"

namespace leat {

int64_t calendar_number(CalendarUnit unit, int64_t local_seconds) {
  switch (unit) {
    case CalendarUnit::minute:
      return floor_div(local_seconds, 60);
    case CalendarUnit::hour:
      return floor_div(local_seconds, 3600);
    case CalendarUnit::day:
      break;
    case CalendarUnit::month: {
      const Civil civil = civil_from_days(floor_div(local_seconds, kSecondsPerDay));
      return (civil.year - 1970) * 12 + static_cast<int64_t>(civil.month) - 1;
    }
  }
  return floor_div(local_seconds, kSecondsPerDay);
}

std::string format_calendar(CalendarUnit function, int64_t number) {
  if (function == CalendarUnit::month) {
    const int64_t year = 1970 + floor_div(number, 12);
    return fmt::format("{:04}-{:02}", year, number - floor_div(number, 12) * 12 + 1);
  }
  if (function == CalendarUnit::hour) {
    const int64_t day = floor_div(number, 24);
    return fmt::format("{} {:02}", format_day(day), number - day * 24);
  }
  if (function == CalendarUnit::minute) {
    const int64_t day = floor_div(number, 1440);
    const int64_t minute = number - day * 1440;
    return fmt::format("{} {:02}:{:02}", format_day(day), minute / 60, minute % 60);
  }
  return format_day(number);
}

}  // namespace leat
