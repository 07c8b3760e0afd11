#include "sources/http_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

constexpr std::string_view kLetters = "YmdHMSf%";

// Like strftime: %Y %m %d %H %M %S, %f for six digits of a second, %%.
std::string formatted(std::string_view format, int64_t micros) {
  const int64_t seconds = floor_div(micros, kMicrosPerSecond);
  const int64_t days = floor_div(seconds, kSecondsPerDay);
  const int64_t of_day = seconds - days * kSecondsPerDay;
  const Civil civil = civil_from_days(days);
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    switch (format[++i]) {
      case 'Y':
        out += fmt::format("{:04}", civil.year);
        break;
      case 'm':
        out += fmt::format("{:02}", civil.month);
        break;
      case 'd':
        out += fmt::format("{:02}", civil.day);
        break;
      case 'H':
        out += fmt::format("{:02}", of_day / 3600);
        break;
      case 'M':
        out += fmt::format("{:02}", of_day / 60 % 60);
        break;
      case 'S':
        out += fmt::format("{:02}", of_day % 60);
        break;
      case 'f':
        out += fmt::format("{:06}", micros - seconds * kMicrosPerSecond);
        break;
      default:
        out += format[i];
    }
  }
  return out;
}

}  // namespace

int64_t horizon_of(const WindowRules& rules, int64_t now_micros) {
  const int64_t settled = floor_div(now_micros - rules.settle, kMicrosPerSecond) * kMicrosPerSecond;
  return std::min(settled, rules.until.value_or(settled));
}

std::optional<Window> next_window(const WindowRules& rules, const std::optional<Window>& last, int64_t horizon) {
  Window next;
  if (last) next.number = last->number + 1;
  if (last && rules.full_every > 0) next.full = last->full;
  next.last = true;  // of a full pull, when it is of one
  next.is_time = rules.by == WindowRules::By::time;
  if (rules.by == WindowRules::By::run) return next;
  next.after = last && last->before ? *last->before : rules.start;
  if (rules.by == WindowRules::By::id) return next;
  const int64_t end = rules.by == WindowRules::By::number ? rules.until.value_or(*next.after) : horizon;
  if (end <= *next.after) return std::nullopt;
  const bool cut = rules.has_before && rules.length > 0 && end - *next.after > rules.length;
  next.before = cut ? *next.after + rules.length : end;
  next.last = !cut;
  if (rules.has_before) next.to = end;
  return next;
}

std::optional<Window> first_of_full(const WindowRules& rules, const std::optional<Window>& last, int64_t horizon,
                                    int64_t now_micros) {
  auto first = next_window(rules, std::nullopt, horizon);
  if (!first) return first;
  if (last) first->number = last->number + 1;
  first->full = now_micros;
  return first;
}

bool is_full_due(const WindowRules& rules, const std::optional<Window>& last, int64_t now_micros) {
  if (rules.full_every == 0) return false;
  return !last || !last->full || std::abs(now_micros - *last->full) >= rules.full_every;
}

std::string bound_text(std::string_view format, int64_t bound) {
  if (format.empty()) return formatted("%Y-%m-%dT%H:%M:%SZ", bound);
  if (format == "unix") return std::to_string(floor_div(bound, kMicrosPerSecond));
  if (format == "unix_ms") return std::to_string(floor_div(bound, 1000));
  if (format == "integer") return std::to_string(bound);
  return formatted(format, bound);
}

std::string trouble_with_format(std::string_view format) {
  if (format == "unix" || format == "unix_ms" || format == "integer" || format == "iso") return "";
  if (format.find('%') == std::string_view::npos) {
    return "it is none of iso, unix, unix_ms, integer, and has no %Y";
  }
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    if (++i == format.size()) return "it ends with %";
    if (kLetters.find(format[i]) == std::string_view::npos) {
      return fmt::format("{} is none of %Y %m %d %H %M %S %f %%", quoted(format.substr(i - 1, 2)));
    }
  }
  return "";
}

}  // namespace leat
