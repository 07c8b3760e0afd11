#include "lookup/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <span>
#include <vector>

#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

// 29 February comes at least every eight years.
constexpr int64_t kMostDays = 9 * 366;
constexpr int64_t kThursday = 4;  // 1970-01-01

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kWeekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct CronField {
  const char* name;
  int64_t low;
  int64_t high;
  std::span<const std::string_view> names = {};  // from `low` on
};
constexpr CronField kFields[] = {{"minute", 0, 59},
                                 {"hour", 0, 23},
                                 {"day of the month", 1, 31},
                                 {"month", 1, 12, kMonths},
                                 {"day of the week", 0, 7, kWeekdays}};

Result<int64_t> number_in(const CronField& field, std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto named = std::find(field.names.begin(), field.names.end(), lower);
  if (named != field.names.end()) return field.low + (named - field.names.begin());
  const std::optional<int64_t> number = parse_integer(text);
  if (number && *number >= field.low && *number <= field.high) return *number;
  return Status::bad_config(
      fmt::format("the {} {} is not within {} to {}", field.name, quoted(text), field.low, field.high));
}

// "*", "*/3", "5", "mon-fri", "8-18/2".
Result<uint64_t> piece_of(const CronField& field, std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view span = text.substr(0, slash);
  const size_t dash = span.find('-');
  const bool all = span == "*";
  if (slash != std::string_view::npos && !all && dash == std::string_view::npos) {
    return Status::bad_config(fmt::format("the {} {} has a step without a range; write '*/{}' or '{}-{}/{}'",
                                          field.name, quoted(text), visible(text.substr(slash + 1)), visible(span),
                                          field.high, visible(text.substr(slash + 1))));
  }
  int64_t first = field.low;
  int64_t last = field.high;
  if (!all) {
    LEAT_ASSIGN(first, number_in(field, span.substr(0, dash)));
    last = first;
    if (dash != std::string_view::npos) {
      LEAT_ASSIGN(last, number_in(field, span.substr(dash + 1)));
    }
    if (first > last) {
      return Status::bad_config(fmt::format("the {} {} goes backwards", field.name, quoted(text)));
    }
  }
  int64_t step = 1;
  if (slash != std::string_view::npos) {
    const std::optional<int64_t> written = parse_integer(text.substr(slash + 1));
    if (!written || *written < 1) {
      return Status::bad_config(fmt::format("the step of the {} {} is not 1 or more", field.name, quoted(text)));
    }
    step = *written;
  }
  uint64_t bits = 0;
  for (int64_t number = first; number <= last; number += std::min(step, last + 1)) bits |= uint64_t{1} << number;
  return bits;
}

Result<uint64_t> bits_of(const CronField& field, std::string_view text) {
  uint64_t bits = 0;
  for (const std::string_view piece : split(text, ',')) {
    LEAT_ASSIGN(const uint64_t more, piece_of(field, piece));
    bits |= more;
  }
  return bits;
}

bool has(uint64_t bits, int64_t number) {
  return (bits >> number & 1) != 0;
}

}  // namespace

Result<Schedule> Schedule::parse(std::string_view text, const std::string& timezone) {
  LEAT_ASSIGN(const TimeZone zone, TimeZone::find(timezone));
  Schedule schedule(zone);
  constexpr std::string_view kEvery = "every ";
  if (text.starts_with(kEvery)) {
    const std::string_view duration = text.substr(kEvery.size());
    const uint64_t ms = parse_duration_ms(duration).value_or(0);
    if (ms == 0 || ms % 1000 != 0) {
      return Status::bad_config(
          fmt::format("{} is not a duration of whole seconds, such as \"3h\" or \"15m\"", quoted(duration)));
    }
    schedule.every_ = static_cast<int64_t>(ms / 1000);
    return schedule;
  }
  LEAT_TRY(schedule.parse_cron(text));
  return schedule;
}

Status Schedule::parse_cron(std::string_view text) {
  std::vector<std::string_view> fields = split(text, ' ');
  std::erase(fields, "");
  if (fields.size() != std::size(kFields)) {
    return Status::bad_config(fmt::format(
        "{} is neither \"every 3h\" nor the five fields of cron, such as \"0 */3 * * *\": minute, hour, day "
        "of the month, month, day of the week",
        quoted(text)));
  }
  uint64_t* const bits[] = {&minutes_, &hours_, &days_, &months_, &weekdays_};
  for (size_t i = 0; i < fields.size(); ++i) {
    LEAT_ASSIGN(*bits[i], bits_of(kFields[i], fields[i]));
  }
  if (has(weekdays_, 7)) weekdays_ |= 1;
  any_day_ = fields[2].starts_with('*');
  any_weekday_ = fields[4].starts_with('*');
  for (int64_t day = 0; day < kMostDays; ++day) {
    if (is_day(day)) return {};
  }
  return Status::bad_config(fmt::format("{} never comes: no month of these has such a day", quoted(text)));
}

bool Schedule::is_day(int64_t days) const {
  const Civil civil = civil_from_days(days);
  if (!has(months_, civil.month)) return false;
  const bool day = has(days_, civil.day);
  const bool weekday = has(weekdays_, days + kThursday - 7 * floor_div(days + kThursday, 7));
  return any_day_ || any_weekday_ ? day && weekday : day || weekday;
}

// Of a local time, in seconds since 1970-01-01 00:00: its first moment, or, where there is none, the next one that
// there is. The zone changes its offset once in two days at most.
int64_t Schedule::utc_of(int64_t local) {
  const int64_t before = zone_.offset_at(local - kSecondsPerDay);
  if (zone_.offset_at(local - before) == before) return local - before;
  const int64_t after = zone_.offset_at(local + kSecondsPerDay);
  if (zone_.offset_at(local - after) == after) return local - after;
  int64_t first = local - kSecondsPerDay;  // still `before`
  int64_t last = local + kSecondsPerDay;   // not any more
  while (last - first > 1) {
    const int64_t middle = first + (last - first) / 2;
    (zone_.offset_at(middle) == before ? first : last) = middle;
  }
  return last;
}

int64_t Schedule::next_after(int64_t seconds) {
  if (every_ > 0) return (floor_div(seconds, every_) + 1) * every_;
  // A time of the day before may have been moved into this one.
  for (int64_t day = floor_div(seconds + zone_.offset_at(seconds), kSecondsPerDay) - 1;; ++day) {
    if (!is_day(day)) continue;
    for (int64_t minute = 0; minute < 24 * 60; ++minute) {
      if (!has(hours_, minute / 60) || !has(minutes_, minute % 60)) continue;
      const int64_t moment = utc_of(day * kSecondsPerDay + minute * 60);
      if (moment > seconds) return moment;
    }
  }
}

int64_t Schedule::count_from(int64_t last, int64_t now) {
  return last > now && next_after(next_after(now)) <= last ? now : last;
}

}  // namespace leat
