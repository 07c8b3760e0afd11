#include "app/line_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "app/progress.h"
#include "base/text.h"
#include "os/screen.h"

namespace leat::app {

void LineBar::look(uint64_t lines) {
  const uint64_t now = clock_.steady_ms();
  if (now < drawn_ms_ + 250) return;
  drawn_ms_ = now;
  const double seconds = static_cast<double>(std::max<uint64_t>(now - started_ms_, 1)) / 1000;
  const double per_second = static_cast<double>(lines) / seconds;
  std::string line = fmt::format("{} lines  {}/s", with_commas(lines), human_rate(per_second));
  if (total_ > 0) {
    const double share = static_cast<double>(lines) / static_cast<double>(total_);
    const double left = per_second > 0 ? static_cast<double>(total_ - lines) / per_second : 0;
    line = fmt::format("{} {:3.0f}%  {}  {} left", bar(share, 24), share * 100, line,
                       human_seconds(static_cast<uint64_t>(left) + 1));
  }
  talk_.draw({line}, os::terminal_size(STDERR_FILENO).columns);
}

}  // namespace leat::app
