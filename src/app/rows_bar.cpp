#include "app/rows_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "app/progress.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/screen.h"

namespace leat::app {

RowsBar::RowsBar(Talk& talk, std::string name)
    : talk_(talk), name_(std::move(name)), started_ms_(os::clock().steady_ms()) {}

void RowsBar::operator()(uint64_t done, uint64_t total) {
  const uint64_t now_ms = os::clock().steady_ms();
  if (total == 0 || now_ms < drawn_ms_ + 250) return;
  drawn_ms_ = now_ms;
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const double seconds = static_cast<double>(now_ms - started_ms_) / 1000;
  std::string line = fmt::format("{}  {} {:3.0f}%  {} rows", name_, bar(share, 24), share * 100, with_commas(done));
  if (seconds > 0) line += fmt::format("  {}/s", human_rate(static_cast<double>(done) / seconds));
  if (share > 0.01) {
    line += fmt::format("  {} left", human_seconds(static_cast<uint64_t>(seconds / share - seconds) + 1));
  }
  talk_.draw({line}, os::terminal_size(STDERR_FILENO).columns);
}

}  // namespace leat::app
