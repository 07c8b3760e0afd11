#include "aggregates/key.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/time.h"
#include "lookup/calendar.h"
#include "lookup/web_address.h"

namespace leat {
namespace {

constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

CalendarUnit unit_of(KeyFunction function) {
  switch (function) {
    case KeyFunction::month:
      return CalendarUnit::month;
    case KeyFunction::hour:
      return CalendarUnit::hour;
    case KeyFunction::minute:
      return CalendarUnit::minute;
    default:
      return CalendarUnit::day;
  }
}

// The cell of site_of_referer(referer), in lower case; `referer` is in the batch's arena.
KeyCell site_cell(const RecordBatch& batch, std::string_view referer, std::string& made) {
  const std::string_view site = site_of_referer(referer);
  if (site.empty()) return {};
  if (std::none_of(site.begin(), site.end(), is_upper)) {
    return {pack_text(static_cast<size_t>(site.data() - batch.arena.data()), site.size()), false};
  }
  const size_t at = batch.arena.size() + made.size();
  for (const char c : site) made += is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c;
  return {pack_text(at, site.size()), false};
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

Key::Key(KeyFunction function, size_t input, Type type, TimeZone zone, uint64_t seed)
    : function_(function), input_(input), type_(type), zone_(zone), seed_(seed) {}

int64_t Key::local_seconds(int64_t micros) {
  const int64_t utc = floor_div(micros, kMicrosPerSecond);
  return utc + zone_.offset_at(utc);
}

void Key::evaluate(const RecordBatch& batch, size_t first, size_t count, KeyCell* out, size_t stride,
                   std::string& made) {
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
    case KeyFunction::browser:
      if (browsers_ == nullptr) browsers_ = std::make_unique<BrowserCache>(seed_);
      for (size_t row = first; row < first + count; ++row, out += stride) {
        const Browser browser = batch.is_null(input_, row) ? Browser::other : browsers_->of(batch.text(input_, row));
        *out = {static_cast<uint64_t>(browser), false};
      }
      break;
    case KeyFunction::referrer:
      for (size_t row = first; row < first + count; ++row, out += stride) {
        *out = batch.is_null(input_, row) ? KeyCell{} : site_cell(batch, batch.text(input_, row), made);
      }
      break;
  }
}

std::string_view Key::shown_text(int64_t number) const {
  if (function_ == KeyFunction::browser) return browser_name(static_cast<Browser>(number));
  std::string& text = shown_[number];
  if (text.empty()) text = format_calendar(unit_of(function_), number);
  return text;
}

}  // namespace leat
