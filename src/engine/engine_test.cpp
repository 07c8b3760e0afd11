#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <thread>

#include "base/text.h"
#include "os/clock.h"
#include "tests/support/fake_clock.h"

namespace leat {
namespace {

using testing::FakeClock;

// One part of `total` records "N\n"; a chunk holds `per_chunk` of them. Record N = number of the line, from 0; the
// offset of a record is its number.
class NumberSource final : public Source {
 public:
  uint64_t total = 100;
  uint64_t per_chunk = 7;
  std::function<Status(uint64_t next)> fault = [](uint64_t) { return Status(); };
  uint64_t opens = 0;

  Status open(SourceRequest request) override {
    ++opens;
    once_ = request.once;
    next_ = request.resume.empty() ? 0 : request.resume[0].offset;
    return {};
  }
  Result<Reading> read(const std::stop_token& stop) override {
    if (stop.stop_requested()) return Status::stopped();
    LEAT_TRY(fault(next_));
    Reading reading;
    if (next_ == total) {
      if (!once_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      reading.what = once_ ? Reading::What::end : Reading::What::idle;
      return reading;
    }
    reading.what = Reading::What::chunk;
    const uint64_t end = std::min(total, next_ + per_chunk);
    reading.chunk.start = next_;
    for (; next_ < end; ++next_) reading.chunk.bytes += std::to_string(next_) + "\n";
    reading.chunk.end = {.part = "numbers#1", .origin = "numbers", .offset = next_, .token = ""};
    return reading;
  }
  void committed(const Positions& positions) override {
    for (const Position& position : positions) committed_to = position.offset;
  }
  [[nodiscard]] std::optional<uint64_t> backlog_bytes() const override { return std::nullopt; }
  uint64_t committed_to = 0;

 private:
  bool once_ = false;
  uint64_t next_ = 0;
};

// Every number a row; those that end in 5 are rejects.
class NumberDecoder final : public Decoder {
 public:
  bool known = true;  // the columns, before the first bytes
  [[nodiscard]] std::string save_schema() const override { return saves; }
  Status restore_schema(std::string_view saved) override {
    known = saved == saves;
    return {};
  }
  std::string saves;
  [[nodiscard]] SchemaPtr schema() const override {
    if (!known) return nullptr;
    static const auto schema = std::make_shared<const Schema>(Schema{{{"n", Type::integer, false}}});
    return schema;
  }
  [[nodiscard]] std::unique_ptr<Cutter> make_cutter(const std::string&) override { return nullptr; }
  void decode(Chunk&& chunk, RecordBatch& batch, Rejects& rejects) override {
    batch.part = chunk.end.part;
    batch.origin = chunk.end.origin;
    batch.arena = std::move(chunk.bytes);
    size_t at = 0;
    for (const std::string_view word : split(batch.arena, '\n')) {
      if (word.empty()) continue;
      const auto number = static_cast<uint64_t>(*parse_integer(word));
      if (number % 10 == 5) {
        rejects.push_back(make_reject(batch.part, batch.origin, number, number + 1, "n", "ends in 5", word));
      } else {
        const size_t row = batch.add_row({number, number + 1, pack_text(at, word.size())});
        batch.set_integer(0, row, static_cast<int64_t>(number));
      }
      at += word.size() + 1;
    }
  }
};

struct SumOfBatch final : Prepared {
  int64_t sum = 0;
};

int64_t sum_of(const RecordBatch& batch) {
  int64_t sum = 0;
  for (size_t row = 0; row < batch.rows(); ++row) sum += batch.integer(0, row);
  return sum;
}

// Keeps what is committed, like a database would; refuses rows when told to; fails the k-th call.
class MemorySink final : public Sink {
 public:
  std::function<bool(int64_t number)> refuses = [](int64_t) { return false; };
  uint64_t fail_call = 0;            // 0: none
  bool lands_though_failed = false;  // a failing commit is committed all the same
  uint64_t calls = 0;

  std::map<int64_t, int> rows;
  std::vector<int64_t> order;  // as they were committed
  std::map<uint64_t, std::string> rejects;
  Positions positions;
  Ranges ranges;
  std::atomic<uint64_t> commits = 0;
  uint64_t opens = 0;
  bool finished = false;
  std::vector<std::string> troubles;

  void forget() {
    calls = 0;
    rows.clear();
    rejects.clear();
    positions.clear();
    ranges.clear();
    order.clear();
    finished = false;
  }

  std::string kept_schema;
  Result<std::string> source_schema(const std::string&) override { return kept_schema; }
  Result<Positions> open(const SinkPlan& plan) override {
    EXPECT_NE(plan.schema, nullptr);
    ++opens;
    LEAT_TRY(fault());
    kept_schema = plan.source_schema;
    new_rows_.clear();
    new_rejects_.clear();
    return positions;
  }
  void prepare(RecordBatch& batch) const override {
    auto prepared = std::make_shared<SumOfBatch>();
    prepared->sum = sum_of(batch);
    batch.prepared = std::move(prepared);
  }
  Result<Written> write(const RecordBatch& batch, size_t first, size_t count, const Rejects& new_rejects) override {
    LEAT_TRY(fault());
    if (batch.prepared == nullptr) return Status::bug("a batch that was not prepared");
    EXPECT_EQ(static_cast<SumOfBatch&>(*batch.prepared).sum, sum_of(batch));
    Written written;
    for (size_t row = first; row < first + count; ++row) {
      if (refuses(batch.integer(0, row))) return Status::bad_data("refused by the sink");
    }
    for (size_t row = first; row < first + count; ++row) {
      new_rows_.push_back(batch.integer(0, row));
      ++written.inserted;
      written.digest += mix64(batch.origin_of(row).offset);
    }
    new_rejects_.insert(new_rejects_.end(), new_rejects.begin(), new_rejects.end());
    return written;
  }
  Status commit(const Positions& moved, const Ranges& new_ranges) override {
    const Status failure = fault();
    if (!failure.ok() && !lands_though_failed) return failure.clone();
    for (const int64_t row : new_rows_) ++rows[row];
    order.insert(order.end(), new_rows_.begin(), new_rows_.end());
    for (const Reject& reject : new_rejects_) {
      EXPECT_TRUE(rejects.emplace(reject.byte_offset, reject.reason).second) << "reject twice " << reject.byte_offset;
    }
    new_rows_.clear();
    new_rejects_.clear();
    positions = moved;
    ranges.insert(ranges.end(), new_ranges.begin(), new_ranges.end());
    ++commits;
    return failure.clone();
  }
  void rollback() noexcept override {
    new_rows_.clear();
    new_rejects_.clear();
  }
  Status finish() override {
    LEAT_TRY(fault());
    finished = true;
    return {};
  }
  void note_trouble(const std::string& message) noexcept override { troubles.push_back(message); }

 private:
  Status fault() { return ++calls == fail_call ? Status::retry("injected") : Status(); }
  std::vector<int64_t> new_rows_;
  Rejects new_rejects_;
};

class EngineTest : public ::testing::Test {
 protected:
  Status run(EngineOptions options) {
    SinkPlan plan;
    plan.pipeline = "numbers";
    Engine engine({&source_, &decoder_, &sink_, plan}, options, clock_,
                  [this](NoteLevel, const std::string& text) { notes_.push_back(text); });
    Status outcome = engine.run(stop_.get_token());
    live_ = engine.live();
    return outcome;
  }
  static EngineOptions once() {
    EngineOptions options;
    options.once = true;
    options.first_backoff_ms = 1;
    return options;
  }
  // Every number up to `total` is a row or a reject, once, and the ranges tile and count them.
  void expect_all(uint64_t total) {
    for (uint64_t n = 0; n < total; ++n) {
      const auto row = sink_.rows.find(static_cast<int64_t>(n));
      const int times = (row == sink_.rows.end() ? 0 : row->second) + static_cast<int>(sink_.rejects.count(n));
      ASSERT_EQ(times, 1) << "record " << n;
    }
    EXPECT_EQ(sink_.rows.size() + sink_.rejects.size(), total);
    uint64_t at = 0;
    Counts sum;
    for (const Range& range : sink_.ranges) {
      EXPECT_EQ(range.start, at);
      at = range.end;
      sum.add(range.counts);
    }
    EXPECT_EQ(at, total);
    EXPECT_EQ(sum.inserted, sink_.rows.size());
    EXPECT_EQ(sum.rejected, sink_.rejects.size());
    uint64_t digest = 0;
    for (uint64_t n = 0; n < total; ++n) digest += mix64(n);
    EXPECT_EQ(sum.digest, digest);
  }

  NumberSource source_;
  NumberDecoder decoder_;
  MemorySink sink_;
  FakeClock clock_;
  std::stop_source stop_;
  std::vector<std::string> notes_;
  LiveStatus live_;
};

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
