#include "app/scheduled.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/time.h"
#include "tests/support/fake_clock.h"

namespace leat::app {
namespace {

using Times = std::vector<std::string>;

int64_t micros_of(const std::string& time) {
  int64_t micros = 0;
  EXPECT_TRUE(parse_time(time.data(), time.size(), &micros)) << time;
  return micros;
}

// Keeps runs, and nothing else.
class RunSink final : public Sink {
 public:
  std::optional<PipelineRun> kept;
  Status trouble;
  Result<std::optional<PipelineRun>> last_run(const std::string&) override {
    LEAT_TRY(trouble.clone());
    return kept;
  }
  Status keep_run(const std::string&, const PipelineRun& run) override {
    LEAT_TRY(trouble.clone());
    kept = run;
    return {};
  }
  Result<Positions> open(const SinkPlan&) override { return Positions{}; }
  Result<Written> write(const RecordBatch&, size_t, size_t, const Rejects&) override { return Written{}; }
  Status commit(const Positions&, const Ranges&) override { return {}; }
  void rollback() noexcept override {}
  Status finish() override { return {}; }
  void note_trouble(const std::string&) noexcept override {}
};

class ScheduledTest : public ::testing::Test {
 protected:
  ScheduledTest() { at("2026-11-22 14:10:00"); }
  void at(const std::string& time) { clock_.set_now_micros(micros_of(time)); }
  [[nodiscard]] std::string now() { return format_time(clock_.now_micros()); }
  // Until so many runs have begun; the last one is stopped.
  Times run(size_t runs) {
    Times began;
    std::stop_source stop;
    const auto one = [&] {
      began.push_back(now());
      if (began.size() == runs) {
        stop.request_stop();
        return Status();
      }
      return during_(began.size());
    };
    run_on_schedule(
        {"pull", *Schedule::parse(schedule_, "UTC"), &sink_, one,
         [&](int64_t next) {
           waits_.push_back(format_time(next));
           if (while_waiting_) std::exchange(while_waiting_, nullptr)();
         }},
        clock_, [&](NoteLevel, const std::string& text) { notes_.push_back(text); }, stop.get_token());
    return began;
  }

  std::string schedule_ = "every 3h";
  testing::FakeClock clock_;
  RunSink sink_;
  std::function<Status(size_t run)> during_ = [](size_t) { return Status(); };
  std::function<void()> while_waiting_;
  Times waits_;
  Times notes_;
};

TEST_F(ScheduledTest, AtItsTimes) {
  during_ = [this](size_t) {
    clock_.advance_ms(12'000);
    return Status();
  };
  EXPECT_EQ(run(3), (Times{"2026-11-22 14:10:00", "2026-11-22 15:00:00", "2026-11-22 18:00:00"}));
  EXPECT_EQ(waits_, (Times{"2026-11-22 15:00:00", "2026-11-22 18:00:00"}));
  ASSERT_TRUE(sink_.kept);
  EXPECT_EQ(format_time(sink_.kept->started_micros), "2026-11-22 15:00:00") << "the third was stopped";
  EXPECT_EQ(format_time(sink_.kept->ended_micros), "2026-11-22 15:00:12");
  EXPECT_EQ(format_time(*sink_.kept->next_micros), "2026-11-22 18:00:00");
  EXPECT_EQ(sink_.kept->error, "");
  EXPECT_TRUE(notes_.empty());
}

TEST_F(ScheduledTest, WhatWasMissedIsCaughtUpOnce) {
  ASSERT_EQ(run(2).size(), 2U);
  at("2026-11-24 07:30:00");
  EXPECT_EQ(run(2), (Times{"2026-11-24 07:30:00", "2026-11-24 09:00:00"}));
}

TEST_F(ScheduledTest, ARestartInBetweenRunsNothing) {
  ASSERT_EQ(run(2).size(), 2U);  // the second was stopped at 15:00
  EXPECT_EQ(run(2), (Times{"2026-11-22 15:00:00", "2026-11-22 18:00:00"})) << "a run that was stopped begins again";
  at("2026-11-22 17:00:00");
  EXPECT_EQ(run(1), Times{"2026-11-22 18:00:00"});
}

TEST_F(ScheduledTest, ARunThatTakesLongerIsFollowedByOneAtOnce) {
  during_ = [this](size_t number) {
    if (number == 2) clock_.advance_ms(7 * 3'600'000);
    return Status();
  };
  EXPECT_EQ(run(4),
            (Times{"2026-11-22 14:10:00", "2026-11-22 15:00:00", "2026-11-22 22:00:00", "2026-11-23 00:00:00"}));
}

TEST_F(ScheduledTest, AFailureIsKeptAndTheNextRunComesAtItsTime) {
  during_ = [](size_t) { return Status::fatal("the API is away"); };
  EXPECT_EQ(run(2), (Times{"2026-11-22 14:10:00", "2026-11-22 15:00:00"}));
  ASSERT_TRUE(sink_.kept);
  EXPECT_EQ(sink_.kept->error, "the API is away");
}

TEST_F(ScheduledTest, TheClockJumpsForward) {
  while_waiting_ = [this] { at("2026-11-22 19:30:00"); };
  EXPECT_EQ(run(3), (Times{"2026-11-22 14:10:00", "2026-11-22 19:30:10", "2026-11-22 21:00:00"}))
      << "it is looked at every ten seconds";
}

TEST_F(ScheduledTest, TheClockIsSetBack) {
  during_ = [this](size_t number) {
    if (number == 2) at("2026-11-22 14:58:00");
    return Status();
  };
  EXPECT_EQ(run(3), (Times{"2026-11-22 14:10:00", "2026-11-22 15:00:00", "2026-11-22 18:00:00"}));
  EXPECT_EQ(waits_.back(), "2026-11-22 18:00:00");
}

TEST_F(ScheduledTest, TheClockWasWrongByYears) {
  at("2031-01-01 00:10:00");
  during_ = [this](size_t number) {
    if (number == 1) at("2026-11-22 14:10:00");
    return Status();
  };
  EXPECT_EQ(run(3), (Times{"2031-01-01 00:10:00", "2026-11-22 15:00:00", "2026-11-22 18:00:00"}));
}

TEST_F(ScheduledTest, AnotherProcessHasRunItMeanwhile) {
  while_waiting_ = [this] {
    sink_.kept = PipelineRun{micros_of("2026-11-22 15:00:00"), micros_of("2026-11-22 15:00:01"), "", {}};
  };
  EXPECT_EQ(run(2), (Times{"2026-11-22 14:10:00", "2026-11-22 18:00:00"}));
}

TEST_F(ScheduledTest, WhatCannotBeKeptIsSaid) {
  sink_.trouble = Status::retry("web.db: locked");
  EXPECT_EQ(run(2), (Times{"2026-11-22 14:10:00", "2026-11-22 15:00:00"}));
  EXPECT_EQ(notes_.front(), "web.db: locked; when it ran last is not known");
  EXPECT_NE(std::find(notes_.begin(), notes_.end(),
                      "web.db: locked; that it has run is not kept, a restart would run it again"),
            notes_.end());
}

TEST_F(ScheduledTest, NowWhateverTheScheduleSays) {
  ASSERT_EQ(run(2).size(), 2U);
  at("2026-11-22 15:10:00");
  const Status outcome =
      run_once_now({"pull", *Schedule::parse(schedule_, "UTC"), &sink_, [] { return Status::fatal("away"); }, nullptr},
                   clock_, [](NoteLevel, const std::string&) {}, {});
  EXPECT_EQ(outcome.message(), "away");
  ASSERT_TRUE(sink_.kept);
  EXPECT_EQ(format_time(sink_.kept->started_micros), "2026-11-22 15:10:00");
  EXPECT_EQ(sink_.kept->error, "away");
  EXPECT_EQ(format_time(*sink_.kept->next_micros), "2026-11-22 18:00:00");
}

}  // namespace
}  // namespace leat::app
