#include "decoders/log_time.h"

#include <algorithm>

#include "base/time.h"

namespace leat {
namespace {

constexpr std::string_view kShape = "00/Mmm/0000:00:00:00 +0000";
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr size_t kMonthAt = 3;
static_assert(kShape.size() == kLogTimeSize);

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// 1–12; 0 when it is none.
unsigned month_of(std::string_view name) {
  const auto* const found = std::find(kMonths.begin(), kMonths.end(), name);
  return found == kMonths.end() ? 0 : static_cast<unsigned>(found - kMonths.begin()) + 1;
}

unsigned number(std::string_view text, size_t at, size_t digits) {
  unsigned value = 0;
  for (size_t i = at; i < at + digits; ++i) value = value * 10 + static_cast<unsigned>(text[i] - '0');
  return value;
}

}  // namespace

std::string_view log_time_mismatch(std::string_view text, size_t* at) {
  for (size_t i = 0; i < kLogTimeSize; ++i) {
    *at = i;
    const char expected = kShape[i];
    const char found = i < text.size() ? text[i] : '\0';
    if (expected == '0') {
      if (!is_digit(found)) return "a digit";
    } else if (i == kMonthAt) {
      if (text.size() < i + 3) *at = text.size();
      if (month_of(text.substr(std::min(i, text.size()), 3)) == 0) return "a month (Jan to Dec)";
      i += 2;
    } else if (expected == '+') {
      if (found != '+' && found != '-') return "'+' or '-'";
    } else if (found != expected) {
      return expected == '/' ? "'/'" : expected == ':' ? "':'" : "' '";
    }
  }
  return {};
}

bool LogClock::read_new(std::string_view text, int64_t* micros) {
  size_t at = 0;
  if (!log_time_mismatch(text, &at).empty()) return false;
  const unsigned day = number(text, 0, 2);
  const unsigned month = month_of(text.substr(kMonthAt, 3));
  const unsigned year = number(text, 7, 4);
  const unsigned hour = number(text, 12, 2);
  const unsigned minute = number(text, 15, 2);
  const unsigned second = number(text, 18, 2);
  const unsigned zone_hours = number(text, 22, 2);
  const unsigned zone_minutes = number(text, 24, 2);
  if (year < 1 || year > 9998 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
      second > 60 || zone_hours > 23 || zone_minutes > 59) {
    return false;
  }
  const int64_t zone = static_cast<int64_t>(zone_hours * 60 + zone_minutes) * (text[21] == '-' ? -1 : 1);
  const int64_t minutes = days_from_civil(year, month, day) * 1440 + hour * 60 + minute - zone;
  minute_micros_ = minutes * 60 * kMicrosPerSecond;
  std::copy_n(text.begin(), kMinuteSize, minute_.begin());
  std::copy_n(text.begin() + 20, kZoneSize, zone_.begin());
  *micros = minute_micros_ + static_cast<int64_t>(second) * kMicrosPerSecond;
  return true;
}

}  // namespace leat
