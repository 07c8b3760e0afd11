#include "sources/http_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/time.h"
#include "sources/file_token.h"

namespace leat {
namespace {

constexpr size_t kTellingWindows = 20;  // the last ones that began tell how long one takes
constexpr int64_t kPause = 10;          // a gap so many times as long as the middle one: leat was down

// Microseconds from the beginning of a window to that of the next; 0: not known.
int64_t pace_of(const std::vector<LedgerWindow>& windows, size_t first) {
  std::vector<int64_t> gaps;
  first = std::max(first, windows.size() - std::min(windows.size(), kTellingWindows));
  for (size_t i = first + 1; i < windows.size(); ++i) {
    gaps.push_back(std::max<int64_t>(windows[i].token.at - windows[i - 1].token.at, 0));
  }
  std::sort(gaps.begin(), gaps.end());
  while (gaps.size() > 2 && gaps.back() > std::max(kPause * gaps[gaps.size() / 2], kMicrosPerSecond)) gaps.pop_back();
  return gaps.empty() ? 0 : std::accumulate(gaps.begin(), gaps.end(), int64_t{0}) / static_cast<int64_t>(gaps.size());
}

}  // namespace

Window window_of(uint64_t number, const HttpToken& token) {
  return {.number = number,
          .after = token.after,
          .before = token.before,
          .full = token.full,
          .last = token.last,
          .to = token.to,
          .is_time = token.is_time,
          .parents = token.parents};
}

Result<Ledger> read_ledger(const Positions& positions, std::string_view name) {
  Ledger ledger;
  for (const Position& position : positions) {
    const auto part = parse_part(position.part);
    if (!part || part->family != name) continue;
    LEAT_ASSIGN(HttpToken token, HttpToken::parse(position.token));
    ledger.windows.push_back({window_of(part->number, token), &position, std::move(token)});
  }
  std::sort(ledger.windows.begin(), ledger.windows.end(),
            [](const LedgerWindow& a, const LedgerWindow& b) { return a.window.number < b.window.number; });
  bool all_done = true;  // of the pull
  bool last = false;     // its last window was there
  std::optional<int64_t> full;
  for (const LedgerWindow& each : ledger.windows) {
    if (each.window.full != full) {
      full = each.window.full;
      ledger.full_under_way = full.has_value();
      all_done = true;
      last = false;
    }
    all_done = all_done && each.token.done;
    // An increment behind the last one: they were all done once, and some have gone back to their beginning.
    if (last || (each.window.last && all_done)) ledger.full_under_way = false;
    last = last || each.window.last;
  }
  return ledger;
}

Ledger find_ledger(const Positions& positions) {
  const auto last = positions.empty() ? std::nullopt : parse_part(positions.back().part);
  if (!last) return {};
  Result<Ledger> ledger = read_ledger(positions, last->family);
  return ledger.ok() ? *std::move(ledger) : Ledger();
}

uint64_t windows_behind(const Window& last, int64_t length) {
  if (!last.to || !last.before || length <= 0 || *last.to <= *last.before) return 0;
  return static_cast<uint64_t>((*last.to - *last.before + length - 1) / length);
}

Windows progress_of(const Ledger& ledger) {
  const std::vector<LedgerWindow>& windows = ledger.windows;
  Windows progress;
  if (windows.empty()) return progress;
  size_t first = 0;
  while (ledger.full_under_way && windows[first].window.full != windows.back().window.full) ++first;
  int64_t length = 0;
  for (size_t i = first; i < windows.size(); ++i) {
    const Window& window = windows[i].window;
    ++(windows[i].token.done ? progress.done : progress.begun);
    if (window.after && window.before) length = std::max(length, *window.before - *window.after);
  }
  progress.to_come = windows_behind(windows.back().window, length);
  const int64_t pace = pace_of(windows, first);
  if (pace > 0 && progress.to_come > 0) {
    progress.seconds_left = (progress.to_come + progress.begun) * static_cast<uint64_t>(pace) / kMicrosPerSecond;
  }
  return progress;
}

std::string shown(const Window& window) {
  std::string out = fmt::format("window {}", window.number);
  const auto bound = [&](int64_t value) { return window.is_time ? format_time(value) : std::to_string(value); };
  if (window.after) {
    out += window.before ? fmt::format(", {} to {}", bound(*window.after), bound(*window.before))
                         : ", from " + bound(*window.after);
  }
  return window.after && window.is_time ? out + " UTC" : out;
}

}  // namespace leat
