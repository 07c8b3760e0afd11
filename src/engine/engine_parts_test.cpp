// Parts that fail, wait and go on beside each other; windows that are written down before anything is asked of them.

#include <set>

#include "tests/support/number_line.h"

namespace leat {
namespace {

using testing::EngineTest;

// Parts "0", "1", … in turn, each of `total` numbers from 1000 times its own on. A part is written down, in an empty
// chunk, before its numbers are read.
class PartSource final : public Source {
 public:
  uint64_t parts = 3;
  uint64_t total = 20;
  uint64_t per_chunk = 5;
  std::function<Status(uint64_t next)> fault = [](uint64_t) { return Status(); };
  std::function<void(Chunk& chunk)> mark = [](Chunk&) {};
  uint64_t opens = 0;
  std::vector<std::pair<std::string, uint64_t>> again_calls;

  Status open(SourceRequest request) override {
    ++opens;
    windows_.assign(parts, {});
    for (uint64_t i = 0; i < parts; ++i) windows_[i].next = 1000 * i;
    for (const Position& position : request.resume) {
      windows_[std::stoul(position.part)] = {.next = position.offset, .told = true, .committed = true};
    }
    return {};
  }
  Result<Reading> read(const std::stop_token& stop) override {
    if (stop.stop_requested()) return Status::stopped();
    bool all_done = true;
    for (uint64_t tried = 0; tried < parts; ++tried) {
      const uint64_t i = turn_++ % parts;
      Window& window = windows_[i];
      const uint64_t end = 1000 * i + total;
      if (window.next == end) continue;
      all_done = false;
      if (window.waits > 0) {
        --window.waits;
        continue;
      }
      if (!window.told) {
        window.told = true;
        return chunk(i, window.next);
      }
      if (!window.committed) continue;
      if (Status failure = fault(window.next); !failure.ok()) return std::move(failure).with_part(std::to_string(i));
      return chunk(i, std::min(end, window.next + per_chunk));
    }
    if (!all_done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    Reading reading;
    reading.what = all_done ? Reading::What::end : Reading::What::idle;
    return reading;
  }
  void again(const std::string& part, uint64_t wait_ms) override {
    again_calls.emplace_back(part, wait_ms);
    windows_[std::stoul(part)].waits = 3;
  }
  void committed(const Positions& positions) override {
    for (const Position& position : positions) windows_[std::stoul(position.part)].committed = true;
  }
  [[nodiscard]] std::optional<uint64_t> backlog_bytes() const override { return std::nullopt; }

 private:
  struct Window {
    uint64_t next = 0;
    bool told = false;
    bool committed = false;
    int waits = 0;  // turns
  };

  Reading chunk(uint64_t part, uint64_t end) {
    Reading reading;
    reading.what = Reading::What::chunk;
    uint64_t& next = windows_[part].next;
    reading.chunk.start = next;
    for (; next < end; ++next) reading.chunk.bytes += std::to_string(next) + "\n";
    reading.chunk.end = {.part = std::to_string(part), .origin = "", .offset = next, .token = ""};
    mark(reading.chunk);
    return reading;
  }

  std::vector<Window> windows_;
  uint64_t turn_ = 0;
};

class EnginePartsTest : public EngineTest {
 protected:
  Status run(const EngineOptions& options) {
    SinkPlan plan;
    plan.pipeline = "numbers";
    Engine engine({&parts_, &decoder_, &sink_, plan}, options, clock_,
                  [this](NoteLevel, const std::string& text) { notes_.push_back(text); });
    Status outcome = engine.run(stop_.get_token());
    live_ = engine.live();
    return outcome;
  }
  static EngineOptions patient() {
    EngineOptions options = once();
    options.first_backoff_ms = 100;
    options.commit_every_ms = 1'000'000;  // commits when the source is idle
    return options;
  }
  // Each of the parts' numbers is a row or a reject, once.
  void expect_parts() {
    std::set<uint64_t> wanted;
    for (uint64_t i = 0; i < parts_.parts; ++i) {
      for (uint64_t n = 0; n < parts_.total; ++n) wanted.insert(1000 * i + n);
    }
    std::set<uint64_t> found;
    for (const auto& [row, times] : sink_.rows) {
      EXPECT_EQ(times, 1) << row;
      found.insert(static_cast<uint64_t>(row));
    }
    for (const auto& [offset, reason] : sink_.rejects) EXPECT_TRUE(found.insert(offset).second) << offset;
    EXPECT_EQ(found, wanted);
  }
  [[nodiscard]] Ranges ranges_of(const std::string& part) const {
    Ranges ranges;
    for (const Range& range : sink_.ranges) {
      if (range.part == part) ranges.push_back(range);
    }
    return ranges;
  }

  PartSource parts_;
};

TEST_F(EnginePartsTest, what_is_written_down_is_committed_when_the_source_waits_for_it) {
  ASSERT_TRUE(run(patient()).ok());
  expect_parts();
}

TEST_F(EnginePartsTest, also_before_the_columns_are_known) {
  decoder_.known = false;
  parts_.fault = [this](uint64_t) {
    return std::exchange(decoder_.known, true) ? Status() : Status::retry("column n").with_retry_after_ms(0);
  };
  ASSERT_TRUE(run(patient()).ok());
  expect_parts();
  EXPECT_EQ(parts_.opens, 2U);
}

TEST_F(EnginePartsTest, only_the_part_that_failed_waits) {
  int failures = 0;
  parts_.fault = [&](uint64_t next) {
    return next == 1010 && failures++ < 3 ? Status::retry("window 1 is away") : Status();
  };
  ASSERT_TRUE(run(patient()).ok());
  expect_parts();
  EXPECT_EQ(parts_.opens, 1U);
  EXPECT_EQ(sink_.opens, 1U);
  EXPECT_EQ(parts_.again_calls, (std::vector<std::pair<std::string, uint64_t>>{{"1", 100}, {"1", 200}, {"1", 400}}));
  EXPECT_EQ(live_.retries, 3U);
  EXPECT_TRUE(live_.trouble.empty());
  EXPECT_EQ(notes_, (std::vector<std::string>{
                        "window 1 is away; trying again in 0.1 s", "window 1 is away; trying again in 0.2 s",
                        "window 1 is away; trying again in 0.4 s", "going on after the trouble"}));
  EXPECT_EQ(sink_.troubles, std::vector<std::string>(3, "window 1 is away"));
}

TEST_F(EnginePartsTest, each_part_counts_its_own_failures_since_its_last_chunk) {
  std::map<uint64_t, int> failures;
  parts_.fault = [&](uint64_t next) { return failures[next]++ < 2 ? Status::retry("away") : Status(); };
  EngineOptions options = patient();
  options.attempts = 3;
  ASSERT_TRUE(run(options).ok());
  expect_parts();
  EXPECT_EQ(parts_.again_calls.size(), 24U);
  for (const auto& [part, wait_ms] : parts_.again_calls) EXPECT_LE(wait_ms, 200U);
  EXPECT_EQ(notes_.back(), "going on after the trouble");
}

TEST_F(EnginePartsTest, a_wait_that_the_server_named_is_kept) {
  int failures = 0;
  parts_.fault = [&](uint64_t) { return failures++ < 1 ? Status::retry("busy").with_retry_after_ms(7000) : Status(); };
  ASSERT_TRUE(run(patient()).ok());
  EXPECT_EQ(parts_.again_calls, (std::vector<std::pair<std::string, uint64_t>>{{"0", 7000}}));
  EXPECT_EQ(notes_.front(), "busy; trying again in 7.0 s");
}

TEST_F(EnginePartsTest, one_that_never_comes_ends_the_run_when_told_so) {
  parts_.fault = [](uint64_t next) { return next == 1010 ? Status::retry("window 1 is away") : Status(); };
  EngineOptions options = patient();
  options.attempts = 4;
  const Status outcome = run(options);
  EXPECT_EQ(outcome.kind(), Kind::fatal);
  EXPECT_EQ(outcome.message(), "window 1 is away (gave up after 4 attempts)");
  EXPECT_EQ(parts_.again_calls.size(), 3U);
  EXPECT_EQ(sink_.rows.count(1009), 1U) << "what was taken of it stands";
  EXPECT_EQ(sink_.rows.count(19), 1U) << "the others went on";
}

TEST_F(EnginePartsTest, a_failure_of_the_sink_starts_all_parts_again) {
  uint64_t places = 0;
  for (uint64_t call = 1;; ++call) {
    sink_.forget();
    sink_.fail_call = call;
    std::map<uint64_t, int> failures;
    parts_.fault = [&](uint64_t next) { return failures[next]++ < 1 ? Status::retry("away") : Status(); };
    EngineOptions options = patient();
    options.first_backoff_ms = 1;
    options.commit_rows = 10;
    ASSERT_TRUE(run(options).ok());
    expect_parts();
    if (sink_.calls < call) break;
    ++places;
  }
  EXPECT_GT(places, 10U);
}

TEST_F(EnginePartsTest, ranges_stay_apart_where_a_page_begins) {
  parts_.parts = 1;
  parts_.mark = [](Chunk& chunk) {
    chunk.fresh = chunk.start == 5 && !chunk.bytes.empty();
    if (chunk.start == 15) chunk.void_from = 5;
  };
  ASSERT_TRUE(run(patient()).ok());
  expect_parts();
  const Ranges ranges = ranges_of("0");
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_FALSE(ranges[0].fresh);
  EXPECT_TRUE(ranges[1].fresh);
  EXPECT_EQ(ranges[1].start, 5U);
  EXPECT_EQ(ranges[1].end, 15U);
  EXPECT_EQ(ranges[1].counts.records(), 10U);
  EXPECT_EQ(ranges[2].void_from, std::optional<uint64_t>(5));
  EXPECT_TRUE(ranges[2].fresh);
}

TEST_F(EnginePartsTest, a_page_without_bytes_is_told_all_the_same) {
  parts_.parts = 1;
  parts_.total = 0;
  parts_.mark = [](Chunk& chunk) { chunk.fresh = true; };
  EXPECT_TRUE(run(patient()).ok());
  EXPECT_TRUE(sink_.ranges.empty()) << "a part that has nothing is not even begun";
  parts_.total = 5;
  ASSERT_TRUE(run(patient()).ok());
  const Ranges ranges = ranges_of("0");
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_TRUE(ranges[0].fresh);
  EXPECT_EQ(ranges[0].end, 0U);
}

}  // namespace
}  // namespace leat
