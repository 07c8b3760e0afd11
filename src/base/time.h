#pragma once

// Calendar arithmetic without libc's time zones: days since 1970-01-01 and microseconds since 1970-01-01T00:00:00Z,
// proleptic Gregorian (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"). Pure functions; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leat {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86'400;

// month 1–12, day 1–31.
constexpr int64_t days_from_civil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<int64_t>(day_of_era) - 719468;
}

struct Civil {
  int64_t year = 1970;
  unsigned month = 1;
  unsigned day = 1;
};

constexpr Civil civil_from_days(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned mp = (5 * day_of_year + 2) / 153;
  const unsigned month = mp < 10 ? mp + 3 : mp - 9;
  return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * mp + 2) / 5 + 1};
}

// Rounds towards minus infinity.
constexpr int64_t floor_div(int64_t a, int64_t b) {
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

constexpr unsigned days_in_month(int64_t year, unsigned month) {
  const int64_t first = days_from_civil(year, month, 1);
  return static_cast<unsigned>((month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1)) -
                               first);
}

// "YYYY-MM-DD".
std::string format_day(int64_t days);

// "YYYY-MM-DD HH:MM:SS", with ".ffffff" (six digits) when the fraction is not zero. UTC.
std::string format_time(int64_t micros);
void append_time(std::string& out, int64_t micros);  // the same, behind what is there

// The inverse of format_time and of ISO 8601 with 'T' and 'Z': for values this program wrote. False when it is not one.
bool parse_time(const char* text, size_t size, int64_t* micros);

// A time as ISO 8601 and RFC 3339 write it, for values of others: what parse_time takes, also a day alone (its first
// moment), and an offset from UTC: +01:00, -0530, +01. Without one it is UTC. Microseconds; nothing when it is not one.
std::optional<int64_t> parse_iso_time(std::string_view text);

// A time as HTTP writes it, also in its two old ways (RFC 9110 §5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". Microseconds;
// nothing when it is not one.
std::optional<int64_t> parse_http_date(std::string_view text);

}  // namespace leat
