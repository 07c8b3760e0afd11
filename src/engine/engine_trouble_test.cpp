#include "tests/support/number_line.h"

namespace leat {
namespace {

using testing::EngineTest;

TEST_F(EngineTest, any_failing_call_of_the_sink_is_recovered_from) {
  for (const bool lands : {false, true}) {
    uint64_t places = 0;
    for (uint64_t call = 1;; ++call) {
      sink_.forget();
      sink_.fail_call = call;
      sink_.lands_though_failed = lands;
      EngineOptions options = once();
      options.commit_rows = 20;
      ASSERT_TRUE(run(options).ok());
      expect_all(100);
      EXPECT_TRUE(sink_.finished);
      if (sink_.calls < call) break;
      ++places;
    }
    EXPECT_GT(places, 20U);
    std::printf("failed each of %lu calls in turn\n", static_cast<unsigned long>(places));
  }
}

TEST_F(EngineTest, a_failing_source_is_opened_again_where_the_sink_stands) {
  int failures = 0;
  source_.fault = [&](uint64_t next) {
    return next % 14 == 7 && failures++ < 5 ? Status::retry("the source is away") : Status();
  };
  ASSERT_TRUE(run(once()).ok());
  expect_all(100);
  EXPECT_GT(source_.opens, 1U);
  EXPECT_GT(sink_.opens, 1U);
  EXPECT_EQ(sink_.new_runs, 1U);
  EXPECT_EQ(live_.retries, 5U);
  EXPECT_TRUE(live_.trouble.empty());
  EXPECT_EQ(notes_.front(), "the source is away; trying again in 0.0 s");
  EXPECT_EQ(notes_.back(), "going on after the trouble");
  EXPECT_EQ(sink_.troubles.front(), "the source is away");
}

TEST_F(EngineTest, gives_up_when_told_so) {
  source_.fault = [](uint64_t next) { return next >= 14 ? Status::retry("the source is away") : Status(); };
  EngineOptions options = once();
  options.attempts = 3;
  const Status outcome = run(options);
  EXPECT_EQ(outcome.kind(), Kind::fatal);
  EXPECT_EQ(outcome.message(), "the source is away (gave up after 3 attempts)");
  expect_all(14);
}

TEST_F(EngineTest, the_wait_doubles_up_to_the_longest) {
  source_.fault = [](uint64_t) { return Status::retry("away"); };
  EngineOptions options = once();
  options.first_backoff_ms = 100;
  options.longest_backoff_ms = 300;
  options.attempts = 5;
  ASSERT_FALSE(run(options).ok());
  EXPECT_EQ(notes_, (std::vector<std::string>{"away; trying again in 0.1 s", "away; trying again in 0.2 s",
                                              "away; trying again in 0.3 s", "away; trying again in 0.3 s"}));
}

TEST_F(EngineTest, a_wait_that_the_server_named_is_kept) {
  source_.fault = [](uint64_t) { return Status::retry("busy").with_retry_after_ms(7000); };
  EngineOptions options = once();
  options.attempts = 2;
  ASSERT_FALSE(run(options).ok());
  EXPECT_EQ(notes_, std::vector<std::string>{"busy; trying again in 7.0 s"});
}

TEST_F(EngineTest, what_was_read_before_a_fatal_end_is_committed) {
  source_.fault = [](uint64_t next) {
    return next >= 21 ? Status::fatal("missing.log: there is no such file") : Status();
  };
  const Status outcome = run(once());
  EXPECT_EQ(outcome.kind(), Kind::fatal);
  EXPECT_EQ(outcome.message(), "missing.log: there is no such file");
  expect_all(21);
}

TEST_F(EngineTest, another_writer_ends_the_run) {
  class StolenSink final : public Sink {
   public:
    Result<Positions> open(const SinkPlan&) override { return Positions{}; }
    Result<Written> write(const RecordBatch&, size_t, size_t count, const Rejects&) override {
      return Written{.inserted = count};
    }
    Status commit(const Positions&, const Ranges&) override { return Status::fatal("run by pid 7"); }
    void rollback() noexcept override { ++rollbacks; }
    Status finish() override { return {}; }
    void note_trouble(const std::string&) noexcept override {}
    int rollbacks = 0;
  } stolen;
  Engine engine({&source_, &decoder_, &stolen, {}}, once(), clock_, [](NoteLevel, const std::string&) {});
  const Status outcome = engine.run(stop_.get_token());
  EXPECT_EQ(outcome.kind(), Kind::fatal);
  EXPECT_EQ(outcome.message(), "run by pid 7");
  EXPECT_EQ(stolen.rollbacks, 1);
}

}  // namespace
}  // namespace leat
