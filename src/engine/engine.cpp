#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "base/text.h"
#include "engine/decode_pool.h"
#include "engine/ordered_queue.h"

namespace leat {
namespace {

constexpr uint64_t kLongestPopMs = 100;

// Of a chunk and of the batch that it becomes: cells take about as much as the text they point into.
uint64_t memory_of(const Chunk& chunk) {
  return 2 * chunk.bytes.size() + sizeof(QueueItem);
}

// As many as there are cores: where decoding takes longest the reader and the sink mostly wait, else the decoders do.
size_t threads_for(size_t cores) {
  constexpr size_t kMost = 8;
  return cores < 2 ? 0 : std::min(kMost, cores);
}

// Failures in a row, of the pipeline or of one of its parts.
class Backoff {
 public:
  explicit Backoff(const EngineOptions& options) : options_(options), next_ms_(options.first_backoff_ms) {}
  // One more; how long to wait now, which `failure` may say itself. fatal: these were enough.
  Result<uint64_t> after(const Status& failure) {
    ++failures_;
    if (options_.attempts > 0 && failures_ >= options_.attempts) {
      return Status::fatal(fmt::format("{} (gave up after {} attempts)", failure.message(), failures_));
    }
    const uint64_t own_ms = std::exchange(next_ms_, std::min(next_ms_ * 2, options_.longest_backoff_ms));
    const uint64_t named_ms = failure.retry_after_ms().value_or(0);
    return named_ms > 0 ? named_ms : own_ms;
  }

 private:
  const EngineOptions& options_;
  uint64_t failures_ = 0;
  uint64_t next_ms_;
};

std::string trying_again(const Status& failure, uint64_t wait_ms) {
  return fmt::format("{}; trying again in {:.1f} s", failure.message(), static_cast<double>(wait_ms) / 1000);
}

Counts counts_of(const Rejects& rejects) {
  Counts counts;
  counts.rejected = rejects.size();
  for (const Reject& reject : rejects) counts.digest += mix64(reject.byte_offset);
  return counts;
}

}  // namespace

class Engine::Impl {
 public:
  Impl(Line line, EngineOptions options, os::Clock& clock, Note note)
      : line_(std::move(line)), options_(options), clock_(clock), note_(std::move(note)) {}

  Status run(const std::stop_token& stop) {
    std::optional<Backoff> backoff;
    line_.plan.new_run = true;
    line_.plan.stop = stop;
    for (;;) {
      const uint64_t commits_before = live().commits;
      Status outcome = run_until_failure(stop);
      line_.sink->rollback();
      if (outcome.ok() && restart_) continue;
      if (outcome.kind() != Kind::retry) {
        if (!outcome.ok() && outcome.kind() != Kind::stopped) line_.sink->note_trouble(outcome.message());
        change([](LiveStatus& live) { live.phase = Phase::ended; });
        return outcome.kind() == Kind::stopped ? Status() : std::move(outcome);
      }
      if (live().commits > commits_before) backoff.reset();
      if (outcome.retry_after_ms() == 0U) {  // nothing failed, everything is to be opened anew
        note_(NoteLevel::info, outcome.message());
        continue;
      }
      line_.sink->note_trouble(outcome.message());
      if (!backoff) backoff.emplace(options_);
      Result<uint64_t> wait_ms = backoff->after(outcome);
      if (!wait_ms.ok()) {
        change([](LiveStatus& live) { live.phase = Phase::ended; });
        return std::move(wait_ms).status();
      }
      note_(NoteLevel::warning, trying_again(outcome, *wait_ms));
      troubles_ = {{kPipeline, outcome.message()}};  // what failed of a part begins anew with the rest
      change([&](LiveStatus& live) {
        live.phase = Phase::waiting_to_retry;
        live.trouble = outcome.message();
        ++live.retries;
      });
      if (!clock_.wait_ms(*wait_ms, stop)) {
        change([](LiveStatus& live) { live.phase = Phase::ended; });
        return {};
      }
    }
  }

  LiveStatus live() const {
    const std::lock_guard lock(mutex_);
    LiveStatus copy = live_;
    copy.windows = line_.source->windows();
    if (last_commit_ms_) copy.since_commit_ms = clock_.steady_ms() - *last_commit_ms_;
    if (const auto backlog = line_.source->backlog_bytes()) copy.backlog_bytes = *backlog + in_flight_bytes_;
    return copy;
  }

 private:
  // From opening to the end, a stop or the first failure.
  Status run_until_failure(const std::stop_token& stop) {
    restart_ = false;
    moved_.clear();
    ranges_.clear();
    pending_ = {};
    pending_bytes_ = 0;
    pending_since_ms_.reset();
    change([&](LiveStatus& live) { live.phase = Phase::starting; });
    {
      const std::lock_guard lock(mutex_);
      in_flight_bytes_ = 0;
      newly_committed_.clear();
    }
    if (!schema_restored_) {
      LEAT_ASSIGN(const std::string saved, line_.sink->source_schema(line_.plan.pipeline));
      if (!saved.empty()) LEAT_TRY(line_.decoder->restore_schema(saved));
      schema_restored_ = true;
    }
    decoded_ = line_.decoder->schema();
    if (!decoded_) return learn_schema(stop);
    line_.plan.source_schema = line_.decoder->save_schema();
    line_.plan.schema = decoded_;
    for (Transform* transform : line_.transforms) {
      LEAT_ASSIGN(line_.plan.schema, transform->bind(line_.plan.schema));
    }
    LEAT_ASSIGN(Positions positions, line_.sink->open(line_.plan));
    line_.plan.new_run = false;

    OrderedQueue queue(options_.queue_batches, options_.queue_bytes);
    std::stop_source stop_reading;
    const std::stop_callback pass_on(stop, [&] { stop_reading.request_stop(); });
    std::jthread reader([&, resume = std::move(positions)]() mutable {
      Status failure = read_all(queue, std::move(resume), stop_reading.get_token());
      QueueItem end;
      end.what = QueueItem::What::end;
      end.failure = std::move(failure);
      hand_over(queue, std::move(end));
    });
    Status outcome = write_all(queue);
    stop_reading.request_stop();
    queue.close();
    reader.join();
    return outcome;
  }

  // Only the data can say which columns there are: reads until the first bytes were seen, which ends with retry.
  Status learn_schema(const std::stop_token& stop) {
    SourceRequest request = request_with({});
    LEAT_TRY(line_.source->open(std::move(request)));
    bool told = false;
    Status refused;
    for (;;) {
      LEAT_ASSIGN(const Reading reading, line_.source->read(stop));
      if (reading.what == Reading::What::end) return refused;  // no table could keep the reject
      if (!reading.chunk.refused.empty()) {
        refused = Status::fatal(fmt::format("{}: {}", reading.chunk.end.origin, reading.chunk.refused));
        continue;
      }
      // A part's first position, or a last record without its end that does not tell the columns. Nothing is kept: both
      // come again. But who has written down where he begins must hear that he may.
      if (reading.what == Reading::What::chunk) {
        if (reading.chunk.bytes.empty()) line_.source->committed({reading.chunk.end});
        continue;
      }
      if (!std::exchange(told, true)) {
        note_(NoteLevel::info,
              "waiting for more records, as the first ones tell the columns; columns that the format declares need "
              "no waiting");
      }
      change([](LiveStatus& live) { live.phase = Phase::waiting_for_data; });
    }
  }

  SourceRequest request_with(Positions resume) {
    SourceRequest request;
    request.resume = std::move(resume);
    request.once = options_.once;
    request.make_cutter = [this](const std::string& origin) { return line_.decoder->make_cutter(origin); };
    return request;
  }

  // The reader's thread.
  Status read_all(OrderedQueue& queue, Positions resume, const std::stop_token& stop) {
    LEAT_TRY(line_.source->open(request_with(std::move(resume))));
    const size_t threads = options_.decode_threads.value_or(threads_for(std::thread::hardware_concurrency()));
    DecodePool decoders(threads, [&](uint64_t number, Chunk&& chunk) { queue.fill(number, decode(std::move(chunk))); });
    std::map<std::string, Backoff> failing;  // parts, since their last chunk
    for (;;) {
      Positions committed;
      {
        const std::lock_guard lock(mutex_);
        committed.swap(newly_committed_);
      }
      if (!committed.empty()) line_.source->committed(committed);
      Result<Reading> read = line_.source->read(stop);
      if (!read.ok()) {
        QueueItem trouble;
        trouble.what = QueueItem::What::trouble;
        trouble.failure = std::move(read).status();
        const std::string part = trouble.failure.part();
        if (trouble.failure.kind() != Kind::retry || part.empty()) return std::move(trouble.failure);
        LEAT_ASSIGN(trouble.wait_ms, failing.try_emplace(part, options_).first->second.after(trouble.failure));
        line_.source->again(part, trouble.wait_ms);
        if (!hand_over(queue, std::move(trouble))) return Status::stopped();
        continue;
      }
      Reading& reading = *read;
      if (reading.what == Reading::What::end) return {};
      if (reading.what == Reading::What::idle) {
        if (!hand_over(queue, {})) return Status::stopped();
        continue;
      }
      failing.erase(reading.chunk.end.part);
      {
        const std::lock_guard lock(mutex_);
        in_flight_bytes_ += reading.chunk.end.offset - reading.chunk.start;
      }
      const auto number = queue.take_number(memory_of(reading.chunk));
      if (!number) return Status::stopped();
      decoders.submit(*number, std::move(reading.chunk));
    }
  }

  // A word of the source takes its place behind the chunks before it. False: closed.
  static bool hand_over(OrderedQueue& queue, QueueItem item) {
    const auto number = queue.take_number(sizeof(QueueItem));
    if (number) queue.fill(*number, std::move(item));
    return number.has_value();
  }

  // Several threads at once.
  QueueItem decode(Chunk&& chunk) const {
    QueueItem item;
    item.what = QueueItem::What::batch;
    item.end = chunk.end;
    item.range.part = chunk.end.part;
    item.range.start = chunk.start;
    item.range.end = chunk.provisional ? chunk.start + chunk.bytes.size() : chunk.end.offset;
    item.range.gap = chunk.gap_bytes > 0;
    item.range.provisional = chunk.provisional;
    item.range.fresh = chunk.fresh || chunk.void_from;
    item.range.void_from = chunk.void_from;
    item.range.full = chunk.full;
    item.batch.emplace(decoded_);
    if (chunk.refused.empty()) {
      line_.decoder->decode(std::move(chunk), *item.batch, item.rejects);
    } else {
      item.batch->part = chunk.end.part;
      item.batch->origin = chunk.end.origin;
      item.rejects.push_back(
          make_reject(chunk.end.part, chunk.end.origin, chunk.start, 0, "", std::move(chunk.refused), chunk.bytes));
    }
    for (const Transform* transform : line_.transforms) {
      transform->apply(*item.batch, item.rejects, item.range.counts.filtered);
    }
    line_.sink->prepare(*item.batch);
    return item;
  }

  // The sink's thread (the one that called run()).
  Status write_all(OrderedQueue& queue) {
    for (;;) {
      std::optional<QueueItem> item = queue.pop(std::min(kLongestPopMs, due_in_ms()));
      if (item && item->what == QueueItem::What::batch) {
        change([](LiveStatus& live) { live.phase = Phase::reading; });
        LEAT_TRY(write(*item));
        if (pending_.records() >= options_.commit_rows || is_due()) LEAT_TRY(commit());
      } else if (item && item->what == QueueItem::What::idle) {
        if (options_.commit_when_idle || is_due()) LEAT_TRY(commit());
        if (moved_.empty()) LEAT_TRY(line_.sink->when_idle());
        recovered({});
        const Phase phase = troubles_.empty() ? Phase::waiting_for_data : Phase::waiting_to_retry;
        change([&](LiveStatus& live) { live.phase = phase; });
      } else if (item && item->what == QueueItem::What::trouble) {
        LEAT_TRY(commit());  // the sink is free then to keep the trouble
        note_part_trouble(item->failure, item->wait_ms);
      } else if (item) {
        LEAT_TRY(commit());
        LEAT_TRY(std::move(item->failure));
        return line_.sink->finish();
      } else if (is_due()) {
        LEAT_TRY(commit());
      } else if (moved_.empty()) {
        LEAT_TRY(line_.sink->when_idle());
      }
      if (restart_) return {};
    }
  }

  // Until a commit is due.
  [[nodiscard]] uint64_t due_in_ms() const {
    if (!pending_since_ms_) return UINT64_MAX;
    const uint64_t due = *pending_since_ms_ + options_.commit_every_ms;
    return due - std::min(due, clock_.steady_ms());
  }
  [[nodiscard]] bool is_due() const { return due_in_ms() == 0; }

  Status write(QueueItem& item) {
    LEAT_TRY(write_rows(*item.batch, 0, item.batch->rows(), item.rejects, item.range.counts));
    pending_.add(item.range.counts);
    pending_bytes_ += item.range.end - item.range.start;
    if (!pending_since_ms_) pending_since_ms_ = clock_.steady_ms();
    moved_[item.end.part] = std::move(item.end);
    const bool joins = !ranges_.empty() && !item.range.fresh && item.range.full == FullPull::none &&
                       ranges_.back().part == item.range.part && ranges_.back().end == item.range.start &&
                       !ranges_.back().provisional && !item.range.provisional && ranges_.back().gap == item.range.gap;
    if (joins) {
      ranges_.back().end = item.range.end;
      ranges_.back().counts.add(item.range.counts);
    } else if (item.range.start != item.range.end || item.range.fresh || item.range.full != FullPull::none) {
      ranges_.push_back(std::move(item.range));
    }
    return {};
  }

  // Writes rows [first, first + count). Halves what the sink refuses until single rows remain; those become rejects.
  Status write_rows(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects, Counts& counts) {
    auto written = line_.sink->write(batch, first, count, rejects);
    if (written.ok()) {
      counts.inserted += written->inserted;
      counts.updated += written->updated;
      counts.ignored += written->ignored;
      counts.rejected += written->rejected;
      counts.digest += written->digest;
      counts.add(counts_of(rejects));
      return {};
    }
    if (written.status().kind() != Kind::bad_data) return std::move(written).status();
    if (count == 0) return Status::fatal("a reject cannot be stored: " + written.status().message());
    if (count == 1) {
      Rejects with_row = rejects;
      const RowOrigin& origin = batch.origin_of(first);
      with_row.push_back(make_reject(batch.part, batch.origin, origin.offset, origin.line, "",
                                     written.status().message(), batch.raw(first)));
      return write_rows(batch, first, 0, with_row, counts);
    }
    LEAT_TRY(write_rows(batch, first, count / 2, rejects, counts));
    return write_rows(batch, first + count / 2, count - count / 2, {}, counts);
  }

  Status commit() {
    if (moved_.empty()) return {};
    Positions positions;
    positions.reserve(moved_.size());
    for (auto& [part, position] : moved_) positions.push_back(std::move(position));
    LEAT_TRY(line_.sink->commit(positions, ranges_));
    {
      const std::lock_guard lock(mutex_);
      live_.rows += pending_.inserted + pending_.updated;
      live_.updated += pending_.updated;
      live_.rejects += pending_.rejected;
      live_.ignored += pending_.ignored;
      live_.filtered += pending_.filtered;
      live_.bytes += pending_bytes_;
      ++live_.commits;
      last_commit_ms_ = clock_.steady_ms();
      in_flight_bytes_ -= std::min(in_flight_bytes_, pending_bytes_);
      newly_committed_.insert(newly_committed_.end(), positions.begin(), positions.end());
    }
    moved_.clear();
    ranges_.clear();
    pending_ = {};
    pending_bytes_ = 0;
    pending_since_ms_.reset();
    restart_ = options_.restart_after_each_commit;
    recovered(positions);
    return {};
  }

  // Only this part waits; all that was taken of it stands.
  void note_part_trouble(const Status& failure, uint64_t wait_ms) {
    line_.sink->note_trouble(failure.message());
    note_(NoteLevel::warning, trying_again(failure, wait_ms));
    troubles_[failure.part()] = failure.message();
    change([&](LiveStatus& live) {
      live.trouble = failure.message();
      ++live.retries;
    });
  }

  // The pipeline goes on, and so do the parts that were moved.
  void recovered(const Positions& moved) {
    if (troubles_.empty()) return;
    troubles_.erase(kPipeline);
    for (const Position& position : moved) troubles_.erase(position.part);
    const std::string trouble = troubles_.empty() ? std::string() : troubles_.begin()->second;
    change([&](LiveStatus& live) { live.trouble = trouble; });
    if (troubles_.empty()) note_(NoteLevel::info, "going on after the trouble");
  }

  template <class F>
  void change(const F& how) {
    const std::lock_guard lock(mutex_);
    how(live_);
  }

  Line line_;
  SchemaPtr decoded_;  // what the decoder gives; plan.schema is behind the transforms
  bool schema_restored_ = false;
  const EngineOptions options_;
  os::Clock& clock_;
  Note note_;

  // The sink's thread.
  std::map<std::string, Position> moved_;
  Ranges ranges_;
  Counts pending_;
  uint64_t pending_bytes_ = 0;
  std::optional<uint64_t> pending_since_ms_;
  bool restart_ = false;
  static constexpr const char* kPipeline = "";
  std::map<std::string, std::string> troubles_;  // why a part waits, or all of the pipeline

  mutable std::mutex mutex_;  // guards what follows
  LiveStatus live_;
  std::optional<uint64_t> last_commit_ms_;
  uint64_t in_flight_bytes_ = 0;
  Positions newly_committed_;
};

Engine::Engine(Line line, EngineOptions options, os::Clock& clock, Note note)
    : impl_(std::make_unique<Impl>(std::move(line), options, clock, std::move(note))) {}
Engine::~Engine() = default;

Status Engine::run(const std::stop_token& stop) {
  return impl_->run(stop);
}
LiveStatus Engine::live() const {
  return impl_->live();
}

}  // namespace leat
