#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace leat {
namespace {

void append_two_digits(std::string& out, unsigned number) {
  const char digits[] = {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
  out.append(digits, sizeof digits);
}

}  // namespace

std::string format_day(int64_t days) {
  const Civil civil = civil_from_days(days);
  return fmt::format("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day);
}

std::string format_time(int64_t micros) {
  std::string text;
  append_time(text, micros);
  return text;
}

void append_time(std::string& out, int64_t micros) {
  const int64_t seconds = floor_div(micros, kMicrosPerSecond);
  const int64_t fraction = micros - seconds * kMicrosPerSecond;
  const int64_t days = floor_div(seconds, kSecondsPerDay);
  const auto rest = static_cast<unsigned>(seconds - days * kSecondsPerDay);
  const Civil civil = civil_from_days(days);
  if (civil.year < 0 || civil.year > 9999) {
    out += format_day(days);
  } else {
    const auto year = static_cast<unsigned>(civil.year);
    append_two_digits(out, year / 100);
    append_two_digits(out, year % 100);
    out += '-';
    append_two_digits(out, civil.month);
    out += '-';
    append_two_digits(out, civil.day);
  }
  out += ' ';
  append_two_digits(out, rest / 3600);
  out += ':';
  append_two_digits(out, rest / 60 % 60);
  out += ':';
  append_two_digits(out, rest % 60);
  if (fraction == 0) return;
  const auto part = static_cast<unsigned>(fraction);
  out += '.';
  append_two_digits(out, part / 10'000);
  append_two_digits(out, part / 100 % 100);
  append_two_digits(out, part % 100);
}

bool parse_time(const char* text, size_t size, int64_t* micros) {
  const auto number = [&](size_t at, size_t digits, int64_t* out) {
    if (at + digits > size) return false;
    *out = 0;
    for (size_t i = at; i < at + digits; ++i) {
      if (text[i] < '0' || text[i] > '9') return false;
      *out = *out * 10 + (text[i] - '0');
    }
    return true;
  };
  int64_t year = 0;
  int64_t month = 0;
  int64_t day = 0;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  if (size < 19 || !number(0, 4, &year) || text[4] != '-' || !number(5, 2, &month) || text[7] != '-' ||
      !number(8, 2, &day) || (text[10] != ' ' && text[10] != 'T') || !number(11, 2, &hour) || text[13] != ':' ||
      !number(14, 2, &minute) || text[16] != ':' || !number(17, 2, &second)) {
    return false;
  }
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, static_cast<unsigned>(month)) || hour > 23 ||
      minute > 59 || second > 60) {
    return false;
  }
  size_t at = 19;
  int64_t fraction = 0;
  if (at < size && text[at] == '.') {
    ++at;
    int64_t scale = 100'000;
    const size_t first = at;
    for (; at < size && text[at] >= '0' && text[at] <= '9'; ++at) {
      fraction += (text[at] - '0') * scale;
      scale /= 10;
    }
    if (at == first) return false;
  }
  if (at < size && text[at] == 'Z') ++at;
  if (at != size) return false;
  const int64_t days = days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  *micros = ((days * 24 + hour) * 60 + minute) * 60 * kMicrosPerSecond + second * kMicrosPerSecond + fraction;
  return true;
}

std::optional<int64_t> parse_iso_time(std::string_view text) {
  constexpr size_t kDay = 10;
  constexpr size_t kSeconds = 19;
  std::string plain(text.substr(0, text.find_first_of("+-", kSeconds)));
  std::string offset(text.substr(std::min(text.size(), plain.size())));
  if (plain.size() == kDay && offset.empty()) plain += " 00:00:00";
  int64_t micros = 0;
  if (!parse_time(plain.data(), plain.size(), &micros)) return std::nullopt;
  if (offset.empty()) return micros;
  if (plain.back() == 'Z') return std::nullopt;
  std::erase(offset, ':');
  if (offset.size() == 3) offset += "00";
  if (offset.size() != 5 || offset.find_first_not_of("0123456789", 1) != std::string::npos) return std::nullopt;
  const int64_t hours = (offset[1] - '0') * 10 + (offset[2] - '0');
  const int64_t minutes = (offset[3] - '0') * 10 + (offset[4] - '0');
  if (hours > 23 || minutes > 59) return std::nullopt;
  const int64_t east = (hours * 60 + minutes) * 60 * kMicrosPerSecond;
  return offset[0] == '+' ? micros - east : micros + east;
}

std::optional<int64_t> parse_http_date(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" ,-"), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::string_view year;
  std::string_view month;
  std::string_view day;
  std::string_view time;
  if (words.size() == 6 && (words[5] == "GMT" || words[5] == "UTC")) {
    day = words[1], month = words[2], year = words[3], time = words[4];
  } else if (words.size() == 5) {  // as asctime() writes it
    month = words[1], day = words[2], time = words[3], year = words[4];
  }
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const size_t number = month.size() == 3 ? kMonths.find(month) : std::string_view::npos;
  if (number == std::string_view::npos || number % 3 != 0 || day.size() > 2) return std::nullopt;
  const std::string_view century = year.size() != 2 ? "" : year < "70" ? "20" : "19";
  const std::string iso = fmt::format("{}{}-{:02}-{:0>2} {}", century, year, number / 3 + 1, day, time);
  int64_t micros = 0;
  if (iso.size() != 19 || !parse_time(iso.data(), iso.size(), &micros)) return std::nullopt;
  return micros;
}

}  // namespace leat
