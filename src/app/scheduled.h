#pragma once

// Runs a pipeline at the times of its schedule. It never overlaps itself, and what was missed (while leat was down, or
// the run before took longer) is caught up once. A clock that jumps neither skips nor repeats a run but where
// Schedule::count_from says so. The caller's thread.

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "flow/note.h"
#include "flow/sink.h"
#include "lookup/schedule.h"
#include "os/clock.h"

namespace leat::app {

struct ScheduledPipeline {
  std::string name;
  Schedule schedule;
  Sink* sink = nullptr;                            // keeps the last run; open only within run()
  std::function<Status()> run;                     // to the end of the source; says itself how it went
  std::function<void(int64_t next_micros)> waits;  // until then; called again when that has changed
};

// Until a stop. A pipeline that has never run begins at once. A run that fails is kept as such, and the next one comes
// at its time; one that is stopped is not kept, so that the next start begins with it.
void run_on_schedule(ScheduledPipeline pipeline, os::Clock& clock, const Note& note, const std::stop_token& stop);

// Now, whatever the schedule says; kept as well.
Status run_once_now(ScheduledPipeline pipeline, os::Clock& clock, const Note& note, const std::stop_token& stop);

}  // namespace leat::app
