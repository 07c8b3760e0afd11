#include "aggregates/key.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "base/time.h"

namespace leat {
namespace {

// True when `text` begins with `lower`, which is in lower case; letters of `text` may be in either.
bool begins_with(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  for (size_t i = 0; i < lower.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) != lower[i]) return false;
  }
  return true;
}

std::string_view before(std::string_view text, char mark) {
  const void* found = text.empty() ? nullptr : std::memchr(text.data(), mark, text.size());
  return found == nullptr ? text : text.substr(0, static_cast<size_t>(static_cast<const char*>(found) - text.data()));
}

}  // namespace

KeyCell cell_of(const RecordBatch& batch, size_t column, Type type, size_t row) {
  if (batch.is_null(column, row)) return {};
  uint64_t bits = batch.cell(column, row);
  if (type == Type::real) {
    const auto value = std::bit_cast<double>(bits);
    if (std::isnan(value)) return {};
    if (value == 0) bits = 0;
  }
  return {bits, false};
}

std::string_view path_of(std::string_view target) {
  const std::string_view whole = before(before(target, '?'), '#');
  if (whole.empty() || whole.front() == '/') return whole;
  size_t host = 0;
  if (begins_with(whole, "http://")) host = 7;
  if (begins_with(whole, "https://")) host = 8;
  if (host == 0) return whole;
  const size_t slash = whole.find('/', host);
  // Without a path it is the root's: the view is of the scheme's last '/'.
  return slash == std::string_view::npos ? whole.substr(host - 1, 1) : whole.substr(slash);
}

int64_t Key::local_seconds(int64_t micros) {
  const int64_t utc = floor_div(micros, kMicrosPerSecond);
  return utc + zone_.offset_at(utc);
}

void Key::evaluate(const RecordBatch& batch, size_t first, size_t count, KeyCell* out, size_t stride) {
  const auto each = [&](auto&& bits_of) {
    for (size_t row = first; row < first + count; ++row, out += stride) {
      *out = batch.is_null(input_, row) ? KeyCell{} : KeyCell{static_cast<uint64_t>(bits_of(row)), false};
    }
  };
  switch (function_) {
    case KeyFunction::column:
      if (type_ == Type::real) {
        for (size_t row = first; row < first + count; ++row, out += stride) *out = cell_of(batch, input_, type_, row);
      } else {
        each([&](size_t row) { return batch.cell(input_, row); });
      }
      break;
    case KeyFunction::day:
      each([&](size_t row) { return floor_div(local_seconds(batch.integer(input_, row)), kSecondsPerDay); });
      break;
    case KeyFunction::hour:
      each([&](size_t row) { return floor_div(local_seconds(batch.integer(input_, row)), 3600); });
      break;
    case KeyFunction::minute:
      each([&](size_t row) { return floor_div(local_seconds(batch.integer(input_, row)), 60); });
      break;
    case KeyFunction::month: {
      int64_t day = 0;  // rows of one day stand together
      int64_t month = 0;
      each([&](size_t row) {
        const int64_t of_row = floor_div(local_seconds(batch.integer(input_, row)), kSecondsPerDay);
        if (of_row != day) {
          const Civil civil = civil_from_days(of_row);
          day = of_row;
          month = (civil.year - 1970) * 12 + static_cast<int64_t>(civil.month) - 1;
        }
        return month;
      });
      break;
    }
    case KeyFunction::path:
      each([&](size_t row) {
        const std::string_view target = batch.text(input_, row);
        const std::string_view path = path_of(target);
        const size_t skipped = path.empty() ? 0 : static_cast<size_t>(path.data() - target.data());
        return pack_text(text_offset(batch.cell(input_, row)) + skipped, path.size());
      });
      break;
  }
}

std::string_view Key::calendar_text(int64_t number) const {
  std::string& text = shown_[number];
  if (text.empty()) text = format_calendar(function_, number);
  return text;
}

std::string format_calendar(KeyFunction function, int64_t number) {
  if (function == KeyFunction::month) {
    const int64_t year = 1970 + floor_div(number, 12);
    return fmt::format("{:04}-{:02}", year, number - floor_div(number, 12) * 12 + 1);
  }
  if (function == KeyFunction::hour) {
    const int64_t day = floor_div(number, 24);
    return fmt::format("{} {:02}", format_day(day), number - day * 24);
  }
  if (function == KeyFunction::minute) {
    const int64_t day = floor_div(number, 1440);
    const int64_t minute = number - day * 1440;
    return fmt::format("{} {:02}:{:02}", format_day(day), minute / 60, minute % 60);
  }
  return format_day(number);
}

}  // namespace leat
