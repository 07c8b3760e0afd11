#include "tests/support/number_line.h"

namespace leat {
namespace {

using testing::EngineTest;

TEST_F(EngineTest, takes_everything_once) {
  ASSERT_TRUE(run(once()).ok());
  expect_all(100);
  EXPECT_TRUE(sink_.finished);
  EXPECT_EQ(sink_.commits, 1U) << "one commit for what fits in one";
  EXPECT_EQ(sink_.ranges.size(), 1U);
  EXPECT_EQ(live_.rows, 90U);
  EXPECT_EQ(live_.rejects, 10U);
  EXPECT_EQ(live_.phase, Phase::ended);
  ASSERT_TRUE(run(once()).ok());
  expect_all(100);
}

TEST_F(EngineTest, commits_after_so_many_records) {
  EngineOptions options = once();
  options.commit_rows = 21;
  ASSERT_TRUE(run(options).ok());
  expect_all(100);
  EXPECT_EQ(sink_.commits, 5U);
}

TEST_F(EngineTest, commits_on_an_idle_read_and_at_a_stop) {
  EngineOptions options;
  options.commit_every_ms = 1'000'000;
  std::jthread stopper([this] {
    while (sink_.commits == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stop_.request_stop();
  });
  source_.total = 50;
  ASSERT_TRUE(run(options).ok());
  expect_all(50);
  EXPECT_FALSE(sink_.finished) << "a stop is not the end of the source";
}

TEST_F(EngineTest, an_idle_read_does_not_commit_where_that_is_switched_off) {
  EngineOptions options;
  options.commit_when_idle = false;
  options.commit_every_ms = 1'000'000;
  source_.total = 50;
  uint64_t idle = 0;
  source_.fault = [&](uint64_t next) {
    if (next == 50) ++idle;
    if (idle == 100) clock_.advance_ms(1'000'000);
    if (idle > 100 && sink_.commits > 0) stop_.request_stop();
    if (idle < 100) {
      EXPECT_EQ(sink_.commits, 0U);
    }
    return Status();
  };
  ASSERT_TRUE(run(options).ok());
  EXPECT_EQ(sink_.commits, 1U);
  expect_all(50);
}

TEST_F(EngineTest, commits_after_so_long) {
  EngineOptions options;
  options.commit_every_ms = 1;
  source_.total = 1'000'000;
  source_.per_chunk = 1;
  source_.fault = [this](uint64_t next) {
    clock_.advance_ms(1);
    if (next == 200) stop_.request_stop();
    return Status();
  };
  ASSERT_TRUE(run(options).ok());
  EXPECT_GT(sink_.commits, 10U);
  expect_all(sink_.positions[0].offset);
}

TEST_F(EngineTest, refused_rows_become_rejects_one_by_one) {
  sink_.refuses = [](int64_t n) { return n == 3 || n == 4 || n == 61; };
  ASSERT_TRUE(run(once()).ok());
  expect_all(100);
  EXPECT_EQ(sink_.rejects.size(), 13U);
  EXPECT_EQ(sink_.rejects[3], "refused by the sink");
  EXPECT_EQ(sink_.rejects[61], "refused by the sink");
}

TEST_F(EngineTest, every_row_refused) {
  sink_.refuses = [](int64_t) { return true; };
  ASSERT_TRUE(run(once()).ok());
  expect_all(100);
  EXPECT_EQ(sink_.rejects.size(), 100U);
}

TEST_F(EngineTest, restart_after_each_commit_changes_nothing) {
  EngineOptions options = once();
  options.commit_rows = 1;
  options.restart_after_each_commit = true;
  ASSERT_TRUE(run(options).ok());
  expect_all(100);
  EXPECT_GT(sink_.opens, 14U);
}

TEST_F(EngineTest, a_queue_of_one_changes_nothing) {
  EngineOptions options = once();
  options.queue_batches = 1;
  options.queue_bytes = 1;
  source_.total = 5000;
  ASSERT_TRUE(run(options).ok());
  expect_all(5000);
  EXPECT_EQ(live_.rows, 4500U);
}

TEST_F(EngineTest, decoding_on_any_number_of_threads_changes_nothing) {
  source_.total = 5000;
  source_.per_chunk = 3;
  for (const size_t threads : {0U, 1U, 2U, 7U}) {
    sink_.forget();
    EngineOptions options = once();
    options.decode_threads = threads;
    options.commit_rows = 100;
    ASSERT_TRUE(run(options).ok());
    expect_all(5000);
    EXPECT_TRUE(std::is_sorted(sink_.order.begin(), sink_.order.end())) << threads;
  }
}

TEST_F(EngineTest, columns_that_only_the_data_knows) {
  decoder_.known = false;
  decoder_.saves = "n integer";
  source_.fault = [this](uint64_t next) {
    if (decoder_.known) return Status();
    EXPECT_EQ(next, 0U);
    decoder_.known = true;
    return Status::retry("numbers: column n").with_retry_after_ms(0);
  };
  ASSERT_TRUE(run(once()).ok());
  expect_all(100);
  EXPECT_EQ(notes_, std::vector<std::string>{"numbers: column n"});
  EXPECT_EQ(sink_.opens, 1U);
  EXPECT_EQ(live_.retries, 0U);

  // The next run has them from the sink, before it reads anything.
  decoder_.known = false;
  source_.total = 150;
  source_.opens = 0;
  ASSERT_TRUE(run(once()).ok());
  expect_all(150);
  EXPECT_EQ(source_.opens, 1U);
}

TEST_F(EngineTest, columns_that_never_come) {
  decoder_.known = false;
  source_.total = 0;
  ASSERT_TRUE(run(once()).ok());
  EXPECT_EQ(sink_.opens, 0U);
}

// Takes out the odd numbers; those that end in 4 do not fit.
class EvenOnly final : public Transform {
 public:
  Result<SchemaPtr> bind(const SchemaPtr& in) override {
    ++bound;
    if (in->fields[0].name != "n") return Status::bad_config("no column n");
    return in;
  }
  void apply(RecordBatch& batch, Rejects& rejects, uint64_t& filtered) const override {
    RecordBatch kept(batch.schema_ptr());
    kept.part = batch.part;
    kept.arena = batch.arena;
    for (size_t row = 0; row < batch.rows(); ++row) {
      const int64_t n = batch.integer(0, row);
      const RowOrigin& from = batch.origin_of(row);
      if (n % 2 == 1) {
        ++filtered;
      } else if (n % 10 == 4) {
        rejects.push_back(make_reject(batch.part, "", from.offset, from.line, "n", "ends in 4", ""));
      } else {
        kept.set_integer(0, kept.add_row(from), n);
      }
    }
    batch = std::move(kept);
  }
  int bound = 0;
};

TEST_F(EngineTest, transforms_stand_between_decoder_and_sink) {
  for (const size_t threads : {size_t{0}, size_t{3}}) {
    SCOPED_TRACE(threads);
    sink_.forget();
    EvenOnly even;
    EngineOptions options = once();
    options.decode_threads = threads;
    Engine engine({&source_, &decoder_, &sink_, {}, {&even}}, options, clock_, [](NoteLevel, const std::string&) {});
    ASSERT_TRUE(engine.run(stop_.get_token()).ok());
    EXPECT_EQ(even.bound, 1);
    EXPECT_EQ(sink_.rows.size(), 40U);
    EXPECT_EQ(sink_.rejects.size(), 20U);  // the decoder's own end in 5
    Counts sum;
    for (const Range& range : sink_.ranges) sum.add(range.counts);
    EXPECT_EQ(sum.filtered, 40U);
    EXPECT_EQ(sum.records(), 100U);
    EXPECT_EQ(engine.live().filtered, 40U);
  }
}

}  // namespace
}  // namespace leat
