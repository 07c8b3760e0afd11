#include "decoders/time_text.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

constexpr int64_t kEarliest = days_from_civil(1, 1, 1) * kSecondsPerDay * kMicrosPerSecond;
constexpr int64_t kEnd = days_from_civil(10000, 1, 1) * kSecondsPerDay * kMicrosPerSecond;
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes pieces from the front of a text. What does not fit takes nothing.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : text_(text) {}

  bool read(int64_t* micros) {
    if (!read_local()) return false;
    *micros = (((days_ * 24 + hour_) * 60 + minute_ - zone_) * 60 + second_) * kMicrosPerSecond + fraction_;
    return text_.empty() && *micros >= kEarliest && *micros < kEnd;
  }

 private:
  bool read_local() {
    const size_t digits = leading_digits();
    if (digits == 4 && text_.size() >= 10) return year_first() && (text_.empty() || (date_end() && clock(true)));
    if (digits >= 8) return compact(digits);
    return named_month();
  }

  [[nodiscard]] size_t leading_digits() const {
    size_t count = 0;
    while (count < text_.size() && is_digit(text_[count])) ++count;
    return count;
  }

  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool number(size_t digits, int64_t* value) {
    if (text_.size() < digits) return false;
    *value = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (!is_digit(text_[i])) return false;
      *value = *value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(digits);
    return true;
  }

  template <size_t n>
  bool name(const std::array<std::string_view, n>& names, int64_t* value) {
    for (size_t i = 0; i < n; ++i) {
      if (!equal_ignoring_case(text_.substr(0, 3), names[i])) continue;
      text_.remove_prefix(3);
      *value = static_cast<int64_t>(i) + 1;
      return true;
    }
    return false;
  }

  bool set_date(int64_t year, int64_t month, int64_t day) {
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, static_cast<unsigned>(month))) return false;
    days_ = days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
    return true;
  }

  // "2026-11-22"
  bool year_first() {
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    if (!number(4, &year)) return false;
    const char separator = text_.front();
    return (separator == '-' || separator == '/') && take(separator) && number(2, &month) && take(separator) &&
           number(2, &day) && set_date(year, month, day);
  }

  bool date_end() { return take('T') || take(' ') || take('t'); }

  // "13:39", "13:39:28.5", and a zone.
  bool clock(bool colons) {
    if (!number(2, &hour_) || (colons && !take(':')) || !number(2, &minute_)) return false;
    if (colons ? take(':') : leading_digits() >= 2) {
      if (!number(2, &second_)) return false;
      if ((take('.') || take(',')) && !fraction(kMicrosPerSecond)) return false;
    }
    return hour_ <= 23 && minute_ <= 59 && second_ <= 60 && zone();
  }

  // Digits behind a point, of a unit of so many microseconds.
  bool fraction(int64_t unit) {
    const size_t digits = leading_digits();
    for (size_t i = 0; i < digits; ++i) fraction_ += (unit /= 10) * (text_[i] - '0');
    text_.remove_prefix(digits);
    return digits > 0;
  }

  bool zone() {
    take(' ');
    for (const std::string_view utc : {"Z", "UTC", "GMT"}) {
      if (!equal_ignoring_case(text_, utc)) continue;
      text_ = {};
      return true;
    }
    if (text_.empty()) return true;
    const bool east = take('+');
    if (!east && !take('-')) return false;
    int64_t hours = 0;
    int64_t minutes = 0;
    if (!number(2, &hours)) return false;
    if ((take(':') || !text_.empty()) && !number(2, &minutes)) return false;
    zone_ = (hours * 60 + minutes) * (east ? 1 : -1);
    return hours <= 23 && minutes <= 59;
  }

  // What begins with eight digits or more: a date or a number of seconds, told apart by their count.
  bool compact(size_t digits) {
    if (digits == 8 || digits == 14) {
      int64_t year = 0;
      int64_t month = 0;
      int64_t day = 0;
      if (!number(4, &year) || !number(2, &month) || !number(2, &day) || !set_date(year, month, day)) return false;
      if (text_.empty()) return true;
      return (digits == 14 || date_end()) && clock(false);
    }
    const int64_t unit = digits == 9 || digits == 10 ? kMicrosPerSecond : digits == 13 ? 1000 : digits == 16 ? 1 : 0;
    int64_t units = 0;
    if (unit == 0 || !number(digits, &units)) return false;
    second_ = units / (kMicrosPerSecond / unit);
    fraction_ = units % (kMicrosPerSecond / unit) * unit;
    return !take('.') || fraction(unit);
  }

  // "Sun, 22 Nov 2026 13:39:28 GMT", "22/Nov/2026:13:39:28 +0100"
  bool named_month() {
    int64_t weekday = 0;
    if (name(kDays, &weekday)) {
      take(',');
      if (!take(' ')) return false;
    }
    int64_t day = 0;
    int64_t month = 0;
    int64_t year = 0;
    const size_t digits = leading_digits();
    if (digits < 1 || digits > 2 || !number(digits, &day)) return false;
    const bool log = take('/');
    return (log || take(' ')) && name(kMonths, &month) && take(log ? '/' : ' ') && number(4, &year) &&
           take(log ? ':' : ' ') && set_date(year, month, day) && clock(true);
  }

  std::string_view text_;
  int64_t days_ = 0;
  int64_t hour_ = 0;
  int64_t minute_ = 0;
  int64_t second_ = 0;
  int64_t fraction_ = 0;  // microseconds
  int64_t zone_ = 0;      // minutes east of UTC
};

}  // namespace

bool read_time_text(std::string_view text, int64_t* micros) {
  return TimeReader(text).read(micros);
}

}  // namespace leat
