#pragma once

// `leat generate web-log`: what its options mean, and the loop that writes. One thread.

#include <cstdint>
#include <stop_token>

#include "app/commands.h"
#include "app/talk.h"
#include "app/written_log.h"
#include "base/status.h"
#include "os/clock.h"

namespace leat::app {

struct WebLogPlan {
  uint64_t lines = 10'000;  // 0: until stopped
  double per_second = 0;    // 0: as fast as it goes
  uint64_t seed = 1;
  int64_t start = 0;  // microseconds since 1970 of the first line
  WrittenLogSettings log;
};

// `now`: for `--clock now`. bad_config: what is wrong with the options.
Result<WebLogPlan> plan_web_log(const GenerateCommand& command, int64_t now);

// Until all lines are written or `stop` is asked for; both are ok.
Status write_web_log(const WebLogPlan& plan, os::Clock& clock, const std::stop_token& stop, Talk& talk);

}  // namespace leat::app
