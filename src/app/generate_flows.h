#pragma once

// `leat generate flows`: what its options mean, and the loop that writes. One thread.

#include <ostream>
#include <stop_token>

#include "app/commands.h"
#include "app/flow_lines.h"
#include "app/talk.h"
#include "base/status.h"
#include "os/clock.h"

namespace leat::app {

// bad_config: what is wrong with the options.
Result<FlowSettings> plan_flows(const GenerateCommand& command);

// Until all lines are written, `stop` is asked for, or `out` takes no more (which run_command() says).
void write_flows(const FlowSettings& settings, os::Clock& clock, const std::stop_token& stop, std::ostream& out,
                 Talk& talk);

}  // namespace leat::app
