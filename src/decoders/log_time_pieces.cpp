#include "decoders/log_time_pieces.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view kDays = "MonTueWedThuFriSatSun";
constexpr std::string_view kLetters = "YmdeHMSTRFDbhazZs%";
constexpr int64_t kLargestEpochMicros = 253'370'764'800LL * kMicrosPerSecond;  // the year 9999

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Apache's words for a whole piece.
struct Word {
  std::string_view name;
  int64_t scale;  // micros of one unit
  bool fraction;  // of the second, with so many digits
  size_t digits;
};
constexpr std::array<Word, 5> kWords{{{"sec", kMicrosPerSecond, false, 0},
                                      {"msec", 1000, false, 0},
                                      {"usec", 1, false, 0},
                                      {"msec_frac", 1000, true, 3},
                                      {"usec_frac", 1, true, 6}}};

const Word* word_of(std::string_view format) {
  const auto* const found =
      std::find_if(kWords.begin(), kWords.end(), [&](const Word& word) { return word.name == format; });
  return found == kWords.end() ? nullptr : found;
}

}  // namespace

size_t read_iso_time(std::string_view text, int64_t* micros) {
  constexpr size_t kSize = 19;
  if (text.size() < kSize) return 0;
  size_t at = kSize;
  if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
    ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
  }
  std::string plain(text.substr(0, at));
  if (plain.size() > kSize) plain[kSize] = '.';
  if (!parse_time(plain.data(), plain.size(), micros)) return 0;
  if (at < text.size() && text[at] == 'Z') return at + 1;
  if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return at;
  const bool colon = text.size() > at + 3 && text[at + 3] == ':';
  const size_t minutes = at + (colon ? 4 : 3);
  if (text.size() < minutes + 2 || !is_digit(text[at + 1]) || !is_digit(text[at + 2]) || !is_digit(text[minutes]) ||
      !is_digit(text[minutes + 1])) {
    return 0;
  }
  const int64_t hour = (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
  const int64_t minute = (text[minutes] - '0') * 10 + (text[minutes + 1] - '0');
  if (hour > 23 || minute > 59) return 0;
  const int64_t zone = (hour * 60 + minute) * 60 * kMicrosPerSecond;
  *micros -= text[at] == '-' ? -zone : zone;
  return minutes + 2;
}

size_t read_epoch(std::string_view text, int64_t scale, int64_t* micros) {
  size_t at = 0;
  int64_t units = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    units = units * 10 + (text[at] - '0');
    if (units > kLargestEpochMicros / scale) return 0;
  }
  if (at == 0) return 0;
  *micros = units * scale;
  if (at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1])) {
    int64_t place = scale;
    for (++at; at < text.size() && is_digit(text[at]); ++at) {
      place /= 10;
      *micros += place * (text[at] - '0');
    }
  }
  return at;
}

std::string trouble_with_time_format(std::string_view format) {
  if (word_of(format) != nullptr) return "";
  bool any = false;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    const char letter = i + 1 < format.size() ? format[i + 1] : '\0';
    if (letter == '\0' || kLetters.find(letter) == std::string_view::npos) {
      return fmt::format(
          "{} in a time cannot be read; there are %Y %m %d %e %b %H %M %S %T %R %F %D %a %z %Z %s, and "
          "the words sec, msec, usec, msec_frac, usec_frac",
          quoted(format.substr(i, 2)));
    }
    any = true;
    ++i;
  }
  return any ? "" : fmt::format("the time format {} says no time", quoted(format));
}

bool TimePieces::read_number(std::string_view text, size_t digits, int64_t* value, size_t* taken) {
  int64_t number = 0;
  for (size_t i = 0; i < digits; ++i, ++*taken) {
    if (*taken >= text.size() || !is_digit(text[*taken])) return false;
    number = number * 10 + (text[*taken] - '0');
  }
  *value = number;
  return true;
}

bool TimePieces::read_name(std::string_view text, std::string_view names, size_t width, int64_t* value, size_t* taken) {
  for (size_t i = 0; i + width <= names.size(); i += width) {
    if (text.substr(std::min(*taken, text.size()), width) != names.substr(i, width)) continue;
    *value = static_cast<int64_t>(i / width) + 1;
    *taken += width;
    return true;
  }
  return false;
}

bool TimePieces::read_zone(std::string_view text, size_t* taken) {
  const char sign = *taken < text.size() ? text[*taken] : '\0';
  if (sign != '+' && sign != '-') return false;
  ++*taken;
  int64_t hours = 0;
  int64_t minutes = 0;
  if (!read_number(text, 2, &hours, taken) || !read_number(text, 2, &minutes, taken)) return false;
  zone_minutes_ = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
  return hours <= 23 && minutes <= 59;
}

bool TimePieces::read_all(std::string_view letters, std::string_view text, size_t* taken) {
  for (const char letter : letters) {
    if (letter == ':' || letter == '-' || letter == '/') {
      if (*taken >= text.size() || text[*taken] != letter) return false;
      ++*taken;
    } else if (!read_letter(letter, text, taken)) {
      return false;
    }
  }
  return true;
}

bool TimePieces::read_letter(char letter, std::string_view text, size_t* taken) {
  int64_t ignored = 0;
  switch (letter) {
    case 'Y':
      return read_number(text, 4, &year_, taken);
    case 'm':
      return read_number(text, 2, &month_, taken);
    case 'e':
      if (*taken < text.size() && text[*taken] == ' ') {
        ++*taken;
        return read_number(text, 1, &day_, taken);
      }
      return read_number(text, 2, &day_, taken);
    case 'd':
      return read_number(text, 2, &day_, taken);
    case 'H':
      return read_number(text, 2, &hour_, taken);
    case 'M':
      return read_number(text, 2, &minute_, taken);
    case 'S':
      return read_number(text, 2, &second_, taken);
    case 'T':
      return read_all("H:M:S", text, taken);
    case 'R':
      return read_all("H:M", text, taken);
    case 'F':
      return read_all("Y-m-d", text, taken);
    case 'D': {
      if (!read_all("m/d/", text, taken) || !read_number(text, 2, &year_, taken)) return false;
      year_ += year_ < 69 ? 2000 : 1900;
      return true;
    }
    case 'b':
    case 'h':
      return read_name(text, kMonths, 3, &month_, taken);
    case 'a':
      return read_name(text, kDays, 3, &ignored, taken);
    case 'z':
      return read_zone(text, taken);
    case 'Z':
      if (text.substr(*taken).starts_with("UTC") || text.substr(*taken).starts_with("GMT")) {
        *taken += 3;
        return true;
      }
      return false;
    case 's': {
      const size_t size = read_epoch(text.substr(*taken), kMicrosPerSecond, &epoch_micros_);
      *taken += size;
      return size != 0;
    }
    default:
      return false;
  }
}

bool TimePieces::read(std::string_view format, std::string_view text, size_t* taken) {
  *taken = 0;
  if (const Word* word = word_of(format); word != nullptr) {
    if (word->fraction) {
      int64_t units = 0;
      if (!read_number(text, word->digits, &units, taken)) return false;
      fraction_ = units * word->scale;
      return true;
    }
    *taken = read_epoch(text, word->scale, &epoch_micros_);
    return *taken != 0;
  }
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || (format[i] == '%' && format[i + 1] == '%')) {
      if (format[i] == '%') ++i;
      if (*taken >= text.size() || text[*taken] != format[i]) return false;
      ++*taken;
      continue;
    }
    if (!read_letter(format[++i], text, taken)) return false;
  }
  return true;
}

bool TimePieces::time(int64_t* micros) const {
  if (epoch_micros_ >= 0) {
    *micros = epoch_micros_ + (epoch_micros_ % kMicrosPerSecond == 0 ? fraction_ : 0);
    return true;
  }
  if (year_ < 1 || year_ > 9998 || month_ < 1 || month_ > 12 || day_ < 1 ||
      day_ > days_in_month(year_, static_cast<unsigned>(month_)) || hour_ > 23 || minute_ > 59 || second_ > 60) {
    return false;
  }
  const int64_t days = days_from_civil(year_, static_cast<unsigned>(month_), static_cast<unsigned>(day_));
  const int64_t seconds = days * kSecondsPerDay + hour_ * 3600 + (minute_ - zone_minutes_) * 60 + second_;
  *micros = seconds * kMicrosPerSecond + fraction_;
  return true;
}

}  // namespace leat
