#pragma once

// For tests of the engine: a made-up line of numbers whose parts do what the test says. One thread makes and reads
// them; the engine's threads use them meanwhile.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "engine/engine.h"
#include "tests/support/fake_clock.h"

namespace leat::testing {

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

inline int64_t sum_of(const RecordBatch& batch) {
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
  uint64_t new_runs = 0;  // of them, the first of a run
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
    if (plan.new_run) ++new_runs;
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
    for (const Position& position : moved) {
      std::erase_if(positions, [&](const Position& old) { return old.part == position.part; });
      positions.push_back(position);
    }
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

}  // namespace leat::testing
