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

// What is next, in this order: what a segment leaves behind goes, with the mirror; rows are taken out that are to be
// undone, when the mirror has that; the next segment is loaded.
Status BigQueryLoads::begin_next(bool open) {
  LEAT_ASSIGN(const std::optional<BigQueryUndo> undo, journal_.next_undo());
  const bool unmirrored = loader_.is_mirrored() && (stale_ || (undo && undo->number > mirrored_undo_));
  if (undo && !undo->measured) return begin_measuring(*undo);
  if (loaded_) return begin_cleaning(open);
  if (undo && (!loader_.is_mirrored() || undo->number <= mirrored_undo_)) {
    begin_undo(*undo);
  } else if (!waiting_.empty()) {
    begin_load();
  } else if (unmirrored && !open) {
    return begin_mirror();
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

Status BigQueryLoads::begin_measuring(const BigQueryUndo& undo) {
  LEAT_ASSIGN(const uint64_t mirrored, journal_.mirrored());
  begin([this, undo, mirrored]() -> Result<Then> {
    LEAT_ASSIGN(BigQuerySegmentTallies found, loader_.measure(undo, mirrored));
    return Then([this, undo, found = std::move(found)] { return journal_.measure(undo, found); });
  });
  return {};
}

void BigQueryLoads::begin_undo(const BigQueryUndo& undo) {
  begin([this, undo]() -> Result<Then> {
    LEAT_ASSIGN(BigQueryDone done, loader_.undo(undo));
    return Then([this, undo, done = std::move(done)] {
      ++corrections_;
      stale_ = true;
      return journal_.settle(undo, done);
    });
  });
}

// The books as of its end, if they are still what was true then. With rows in the open segment the journal's are newer.
Result<std::optional<MirroredBooks>> BigQueryLoads::books_of(const Waiting& loaded, bool open) {
  if (!loader_.is_mirrored()) return std::optional<MirroredBooks>();
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
    if (!books) return Then([this] { return cleaned(); });
    LEAT_ASSIGN(const bool whole, loader_.write_mirror(number, *books));
    return Then([this, whole, books] {
      mirrored(*books, whole);
      return cleaned();
    });
  });
  return {};
}

// With the journal as it is: everything is loaded.
Status BigQueryLoads::begin_mirror() {
  LEAT_ASSIGN(const int64_t last, journal_.last_loaded());
  LEAT_ASSIGN(MirroredBooks books, journal_.books());
  begin([this, last, books = std::move(books)]() -> Result<Then> {
    LEAT_ASSIGN(const bool whole, loader_.write_mirror(static_cast<uint64_t>(last), books));
    return Then([this, whole, books] {
      mirrored(books, whole);
      return Status();
    });
  });
  return {};
}

Status BigQueryLoads::cleaned() {
  loaded_.reset();
  return {};
}

void BigQueryLoads::mirrored(const MirroredBooks& books, bool whole) {
  stale_ = false;
  for (const BigQueryUndo& undo : books.undos) {
    if (!undo.measured) break;
    mirrored_undo_ = undo.number;
  }
  if (!whole) warn_of_no_room(books.parts.size());
}

void BigQueryLoads::warn_of_no_room(size_t parts) {
  if (warned_) return;
  warned_ = true;
  note_(NoteLevel::warning, fmt::format("pipeline {}: the table's description has no room for its {} parts: keep a "
                                        "backup of the spool, without which it cannot be gone on with",
                                        quoted(pipeline_), with_commas(parts)));
}

}  // namespace leat
