#include "app/scheduled.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/time.h"

namespace leat::app {
namespace {

constexpr uint64_t kLookMs = 10'000;  // how long a jump of the clock may stay unnoticed

class Runs {
 public:
  Runs(ScheduledPipeline pipeline, os::Clock& clock, const Note& note, const std::stop_token& stop)
      : pipeline_(std::move(pipeline)), clock_(clock), note_(note), stop_(stop) {}

  // When it is time, as the clock stood; nothing: a stop.
  std::optional<int64_t> wait() {
    std::optional<int64_t> told;
    std::optional<int64_t> looked;
    while (!stop_.stop_requested()) {
      const int64_t now = clock_.now_micros();
      const int64_t due = due_micros(now);
      if (due <= now && looked == due) return now;
      if (due <= now) {  // another process may have run it
        look();
        looked = due;
        continue;
      }
      if (told != due) {
        told = due;
        pipeline_.waits(due);
        if (last_->next_micros != due) {
          last_->next_micros = due;
          keep();
        }
      }
      const auto left_ms = static_cast<uint64_t>((due - now + 999) / 1000);
      if (!clock_.wait_ms(std::min(kLookMs, left_ms), stop_)) break;
    }
    return std::nullopt;
  }

  Status run(int64_t started) {
    Status outcome = pipeline_.run();
    if (stop_.stop_requested()) return outcome;
    set_last({.started_micros = started,
              .ended_micros = clock_.now_micros(),
              .error = outcome.ok() ? "" : outcome.message(),
              .next_micros = std::nullopt});
    last_->next_micros = due_micros(last_->ended_micros);
    keep();
    return outcome;
  }

 private:
  // Long ago where it has never run.
  int64_t due_micros(int64_t now) {
    if (!last_) return 0;
    from_ = pipeline_.schedule.count_from(from_, floor_div(now, kMicrosPerSecond));
    return pipeline_.schedule.next_after(from_) * kMicrosPerSecond;
  }

  void set_last(PipelineRun run) {
    last_ = std::move(run);
    from_ = floor_div(last_->started_micros, kMicrosPerSecond);
  }

  void look() {
    Result<std::optional<PipelineRun>> kept = pipeline_.sink->last_run(pipeline_.name);
    if (!kept.ok()) {
      note_(NoteLevel::warning, kept.status().message() + "; when it ran last is not known");
    } else if (*kept && (!last_ || (*kept)->ended_micros > last_->ended_micros)) {
      set_last(**kept);
    }
  }

  void keep() {
    const Status kept = pipeline_.sink->keep_run(pipeline_.name, *last_);
    if (kept.ok()) return;
    note_(NoteLevel::warning, kept.message() + "; that it has run is not kept, a restart would run it again");
  }

  ScheduledPipeline pipeline_;
  os::Clock& clock_;
  const Note& note_;
  const std::stop_token& stop_;
  std::optional<PipelineRun> last_;
  int64_t from_ = 0;  // seconds; of the schedule, where there is a last run
};

}  // namespace

void run_on_schedule(ScheduledPipeline pipeline, os::Clock& clock, const Note& note, const std::stop_token& stop) {
  Runs runs(std::move(pipeline), clock, note, stop);
  while (const std::optional<int64_t> started = runs.wait()) {
    const Status said_by_run = runs.run(*started);
  }
}

Status run_once_now(ScheduledPipeline pipeline, os::Clock& clock, const Note& note, const std::stop_token& stop) {
  return Runs(std::move(pipeline), clock, note, stop).run(clock.now_micros());
}

}  // namespace leat::app
