#include "sinks/bigquery_loads.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"

namespace leat {
namespace {

constexpr uint64_t kFirstWaitMs = 1000;
constexpr uint64_t kLongestWaitMs = 3'600'000;

}  // namespace

BigQueryLoads::~BigQueryLoads() {
  stop_.request_stop();
  if (under_way()) errand_.wait();
}

void BigQueryLoads::add(const BigQuerySegment& segment, std::optional<MirroredBooks> books) {
  waiting_bytes_ += segment.bytes;
  waiting_.push_back({segment, std::move(books), corrections_});
}

Status BigQueryLoads::go_on(bool open) {
  if (under_way()) {
    if (errand_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
    LEAT_TRY(take_in());
    if (!trouble_.ok()) {
      note_(NoteLevel::warning,
            fmt::format("pipeline {}: {}; trying again in {} s, {} wait in the spool", quoted(pipeline_),
                        trouble_.message(), (wait_ms_ + 999) / 1000, human_bytes(waiting_bytes_)));
    }
  }
  return trouble_.ok() || clock_.steady_ms() >= again_ms_ ? begin_next(open) : Status();
}

Status BigQueryLoads::wait_until(uint64_t bytes, bool open) {
  LEAT_TRY(go_on(open));
  while (waiting_bytes_ > bytes) {
    if (!under_way()) return trouble_.clone();
    LEAT_TRY(take_in());
    if (trouble_.ok()) LEAT_TRY(begin_next(open));
  }
  return {};
}

Status BigQueryLoads::wait_for_all(bool open) {
  LEAT_TRY(go_on(open));
  while (under_way()) {
    LEAT_TRY(take_in());
    if (trouble_.ok()) LEAT_TRY(begin_next(open));
  }
  return trouble_.clone();
}

Status BigQueryLoads::take_in() {
  const Result<Then> then = errand_.get();
  if (then.status().kind() == Kind::retry) {
    put_off(then.status().clone());
    return {};
  }
  LEAT_TRY(then.status().clone());
  trouble_ = {};
  wait_ms_ = 0;
  return (*then)();
}

// Rows are taken meanwhile, as long as there is room for them.
void BigQueryLoads::put_off(Status trouble) {
  wait_ms_ = std::clamp(wait_ms_ * 2, std::max(kFirstWaitMs, trouble.retry_after_ms().value_or(0)), kLongestWaitMs);
  again_ms_ = clock_.steady_ms() + wait_ms_;
  trouble_ = std::move(trouble);
}

void BigQueryLoads::begin(Errand errand) {
  errand_ = std::async(std::launch::async, std::move(errand));
}

// What a segment leaves behind goes before anything else; then what is to be undone, of which the mirror knows nothing.
Status BigQueryLoads::begin_next(bool open) {
  LEAT_ASSIGN(const std::optional<BigQueryUndo> undo, journal_.next_undo());
  if (undo) {
    LEAT_ASSIGN(const uint64_t mirrored, journal_.mirrored());
    begin_undo(*undo, mirrored);
  } else if (loaded_) {
    LEAT_TRY(begin_cleaning(open));
  } else if (!waiting_.empty()) {
    begin_load();
  }
  return {};
}

void BigQueryLoads::begin_load() {
  begin([this, segment = waiting_.front().segment]() -> Result<Then> {
    LEAT_ASSIGN(BisectedSegment done, loader_.load(segment));
    return Then([this, done = std::move(done)] { return settle(done); });
  });
}

Status BigQueryLoads::settle(const BisectedSegment& done) {
  loaded_ = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_bytes_ -= loaded_->segment.bytes;
  const uint64_t number = loaded_->segment.number;
  LEAT_TRY(journal_.settle(number, done.jobs, done.refused));
  if (done.refused.empty()) return {};
  ++corrections_;
  note_(NoteLevel::warning,
        fmt::format("pipeline {}: BigQuery refuses {} rows of segment {}, which are rejects now: {}", quoted(pipeline_),
                    with_commas(done.refused.size()), number, done.refused.front().reason));
  return {};
}

void BigQueryLoads::begin_undo(const BigQueryUndo& undo, uint64_t mirrored) {
  if (!undo.measured) {
    begin([this, undo, mirrored]() -> Result<Then> {
      LEAT_ASSIGN(BigQuerySegmentTallies found, loader_.measure(undo, mirrored));
      return Then([this, undo, found = std::move(found)] { return journal_.measure(undo, found); });
    });
    return;
  }
  begin([this, undo]() -> Result<Then> {
    LEAT_ASSIGN(BigQueryDone done, loader_.undo(undo));
    return Then([this, undo, done = std::move(done)] {
      ++corrections_;
      return journal_.settle(undo, done);
    });
  });
}

// The books as of its end, if they are still what was true then. With rows in the open segment the journal's are newer.
Result<std::optional<MirroredBooks>> BigQueryLoads::books_of(const Waiting& loaded, bool open) {
  LEAT_ASSIGN(const bool undoing, journal_.is_undoing());
  if (undoing || !loader_.is_mirrored()) return std::optional<MirroredBooks>();
  if (!open && waiting_.empty()) {
    LEAT_ASSIGN(MirroredBooks now, journal_.books());
    return std::optional(std::move(now));
  }
  return loaded.corrections == corrections_ ? loaded.books : std::nullopt;
}

Status BigQueryLoads::begin_cleaning(bool open) {
  LEAT_ASSIGN(std::optional<MirroredBooks> books, books_of(*loaded_, open));
  begin([this, number = loaded_->segment.number, books = std::move(books)]() -> Result<Then> {
    LEAT_TRY(loader_.forget(number));
    bool whole = true;
    if (books) {
      LEAT_ASSIGN(whole, loader_.write_mirror(number, *books));
    }
    return Then([this, whole, parts = books ? books->parts.size() : 0] {
      loaded_.reset();
      if (!whole) warn_of_no_room(parts);
      return Status();
    });
  });
  return {};
}

void BigQueryLoads::warn_of_no_room(size_t parts) {
  if (warned_) return;
  warned_ = true;
  note_(NoteLevel::warning, fmt::format("pipeline {}: the table's description has no room for its {} parts: keep a "
                                        "backup of the spool, without which it cannot be gone on with",
                                        quoted(pipeline_), with_commas(parts)));
}

}  // namespace leat
