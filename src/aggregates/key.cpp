#include "aggregates/key.h"

#include <fmt/format.h>

#include <algorithm>
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

constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

// The cell of site_of(referer), in lower case; `referer` is in the batch's arena.
KeyCell site_cell(const RecordBatch& batch, std::string_view referer, std::string& made) {
  const std::string_view site = site_of(referer);
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

std::string_view site_of(std::string_view referer) {
  const size_t scheme = referer.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return {};
  const auto in_scheme = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
  };
  if (!std::all_of(referer.begin(), referer.begin() + static_cast<std::ptrdiff_t>(scheme), in_scheme)) return {};
  std::string_view host = referer.substr(scheme + 3);
  host = host.substr(0, std::min(host.find_first_of("/?#\\"), host.size()));
  if (const size_t user = host.rfind('@'); user != std::string_view::npos) host.remove_prefix(user + 1);
  const size_t port = host.rfind(':');
  if (port != std::string_view::npos && host.find_first_not_of("0123456789", port + 1) == std::string_view::npos) {
    host = host.substr(0, port);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr size_t kWww = 4;
  if (begins_with(host, "www.") && host.find('.', kWww) != std::string_view::npos) host.remove_prefix(kWww);
  return host;
}

Key::Key(KeyFunction function, size_t input, Type type, TimeZone zone, uint64_t seed)
    : function_(function), input_(input), type_(type), zone_(zone) {
  if (function == KeyFunction::browser) browsers_ = std::make_unique<BrowserCache>(seed);
}

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
