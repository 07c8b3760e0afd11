#pragma once

// Local days, hours, minutes and months as numbers: days, hours and minutes count from 1970-01-01 00:00, months from
// 1970-01. Pure functions; any thread.

#include <cstdint>
#include <string>

namespace leat {

enum class CalendarUnit : uint8_t { minute, hour, day, month };

// `local_seconds`: since 1970-01-01 00:00 in local time.
int64_t calendar_number(CalendarUnit unit, int64_t local_seconds);

// "2025-03-30", "2025-03-30 02", "2025-03-30 02:15", "2025-03".
std::string format_calendar(CalendarUnit unit, int64_t number);

}  // namespace leat
