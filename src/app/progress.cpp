#include "app/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/time.h"

namespace leat::app {
namespace {

constexpr uint64_t kWindowMs = 5000;
constexpr size_t kBarWidth = 24;
constexpr uint64_t kBacklogWorthABar = 256 * 1024;  // bytes, or:
constexpr uint64_t kRowsWorthABar = 10'000;

}  // namespace

std::string bar(double share, size_t width) {
  const auto filled = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
  std::string out = "[" + std::string(filled, '=');
  if (filled < width) out += '>' + std::string(width - filled - 1, ' ');
  return out + "]";
}

std::string human_rate(double per_second) {
  if (per_second >= 999'500) return fmt::format("{:.1f}M", per_second / 1e6);
  if (per_second >= 10'000) return fmt::format("{:.0f}k", per_second / 1e3);
  return with_commas(static_cast<uint64_t>(std::llround(std::max(0.0, per_second))));
}

void Progress::look(const LiveStatus& live, uint64_t now_ms) {
  live_ = live;
  samples_.push_back({now_ms, live.rows, live.bytes});
  while (samples_.size() > 2 && samples_[1].at_ms + kWindowMs <= now_ms) samples_.pop_front();
  if (live.phase == Phase::waiting_for_data || live.phase == Phase::ended) working_off_ = false;
}

double Progress::per_second(uint64_t Sample::*counter) const {
  if (samples_.size() < 2 || samples_.back().at_ms == samples_.front().at_ms) return 0;
  return static_cast<double>(samples_.back().*counter - samples_.front().*counter) * 1000 /
         static_cast<double>(samples_.back().at_ms - samples_.front().at_ms);
}

double Progress::rows_per_second() const {
  return per_second(&Sample::rows);
}
double Progress::bytes_per_second() const {
  return per_second(&Sample::bytes);
}

std::string Progress::counts() const {
  std::string out = with_commas(live_.rows) + " rows";
  if (live_.rejects > 0) {
    out += fmt::format(", {} {}", with_commas(live_.rejects), live_.rejects == 1 ? "reject" : "rejects");
  }
  return out;
}

std::string Progress::line_until(int64_t next_micros, int64_t now_micros) const {
  const auto seconds = static_cast<uint64_t>(std::max<int64_t>((next_micros - now_micros) / kMicrosPerSecond, 0));
  return fmt::format("{}  {}  next run {} UTC, in {}", name_, counts(), format_time(next_micros),
                     human_seconds(seconds));
}

std::string Progress::line(const std::string& more) const {
  std::string out = name_ + "  ";
  const uint64_t left = live_.backlog_bytes.value_or(0);
  const Windows windows = live_.windows.value_or(Windows());
  const uint64_t all = windows.done + windows.begun + windows.to_come;
  if (windows.to_come > 0) {
    const double share = static_cast<double>(windows.done) / static_cast<double>(all);
    out += fmt::format("{} {:3.0f}%  ", bar(share, kBarWidth), share * 100);
  }
  if (windows.to_come == 0 && working_off_ && live_.bytes + left >= (in_rows_ ? kRowsWorthABar : kBacklogWorthABar)) {
    const double share = static_cast<double>(live_.bytes) / static_cast<double>(live_.bytes + left);
    out += fmt::format("{} {:3.0f}%  ", bar(share, kBarWidth), share * 100);
  }
  out += fmt::format("{}  {}/s", counts(), human_rate(rows_per_second()));
  if (live_.phase == Phase::waiting_to_retry) {
    return out + "  waiting: " + live_.trouble;
  }
  if (windows.begun + windows.to_come > 0) {
    out += fmt::format("  window {} of {}", with_commas(windows.done + 1), with_commas(all));
    if (windows.seconds_left) out += fmt::format("  {} left", human_seconds(*windows.seconds_left));
  } else if (working_off_) {
    if (left > 0 && bytes_per_second() > 0) {
      const double seconds = std::min(static_cast<double>(left) / bytes_per_second(), 1e9);
      out += fmt::format("  {} left", human_seconds(static_cast<uint64_t>(std::ceil(seconds))));
    }
  } else {
    out += left == 0  ? "  up to date"
           : in_rows_ ? fmt::format("  {} rows behind", with_commas(left))
                      : fmt::format("  {} behind", human_bytes(left));
  }
  return more.empty() ? out : out + "  " + more;
}

}  // namespace leat::app
