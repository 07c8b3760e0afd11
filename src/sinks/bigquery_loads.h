#pragma once

// Sealed segments on their way into the table, beside the sink's work: one errand at a time goes on a thread of its own
// (uploads, jobs, the mirror), and what has become of it is journalled by the sink's thread, with the next call
// (docs/formats/bigquery-sink.md, "Beside the sink"). The sink's thread.

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <optional>
#include <stop_token>
#include <string>

#include "base/status.h"
#include "flow/note.h"
#include "os/clock.h"
#include "sinks/bigquery_journal.h"
#include "sinks/bigquery_loader.h"

namespace leat {

class BigQueryLoads {
 public:
  // All outlive it. `stop` ends what is under way: the client that the loader has been given looks at it too.
  BigQueryLoads(std::string pipeline, BigQueryLoader& loader, BigQueryJournal& journal, os::Clock& clock, Note note,
                std::stop_source stop)
      : pipeline_(std::move(pipeline)),
        loader_(loader),
        journal_(journal),
        clock_(clock),
        note_(std::move(note)),
        stop_(std::move(stop)) {}
  BigQueryLoads(const BigQueryLoads&) = delete;
  BigQueryLoads& operator=(const BigQueryLoads&) = delete;
  ~BigQueryLoads();

  // The next one in order, journalled as sealed. `books`: as of its end; nothing: not known any more.
  void add(const BigQuerySegment& segment, std::optional<MirroredBooks> books);
  // Bytes of the files that are not loaded yet.
  [[nodiscard]] uint64_t waiting_bytes() const { return waiting_bytes_; }

  // Journals what has ended and begins what is next, without waiting for either. Outside of transactions. What can pass
  // is tried again later, and is `trouble` until then; other failures as those of BigQueryLoader. `open`: whether rows
  // are committed that are in no segment yet that was added.
  Status go_on(bool open);
  // The same, until no more than `bytes` wait. retry: nothing goes on at the moment. stopped.
  Status wait_until(uint64_t bytes, bool open);
  // The same, until all is done that there is to do.
  Status wait_for_all(bool open);
  // Ok: there is none.
  [[nodiscard]] const Status& trouble() const { return trouble_; }

 private:
  struct Waiting {
    BigQuerySegment segment;
    std::optional<MirroredBooks> books;
    uint64_t corrections = 0;  // when it was added
  };
  using Then = std::function<Status()>;          // the sink's thread
  using Errand = std::function<Result<Then>()>;  // any thread

  [[nodiscard]] bool under_way() const { return errand_.valid(); }
  // Waits for it.
  Status take_in();
  Status begin_next(bool open);
  void begin(Errand errand);
  void begin_load();
  Status begin_measuring(const BigQueryUndo& undo);
  void begin_undo(const BigQueryUndo& undo);
  Status begin_cleaning(bool open);
  Status begin_mirror();
  Status cleaned();
  void mirrored(const MirroredBooks& books, bool whole);
  Result<std::optional<MirroredBooks>> books_of(const Waiting& loaded, bool open);
  void warn_of_no_room(size_t parts);
  Status settle(const BisectedSegment& done);
  void put_off(Status trouble);

  std::string pipeline_;
  BigQueryLoader& loader_;
  BigQueryJournal& journal_;
  os::Clock& clock_;
  Note note_;
  std::stop_source stop_;

  std::deque<Waiting> waiting_;    // to be loaded
  std::optional<Waiting> loaded_;  // its file is to go, the mirror to be written
  uint64_t waiting_bytes_ = 0;
  uint64_t corrections_ = 0;   // of books that were committed before
  int64_t mirrored_undo_ = 0;  // the last one that the mirror has, measured
  bool stale_ = false;         // the mirror has one that is done
  Status trouble_;
  uint64_t wait_ms_ = 0;   // behind the last trouble
  uint64_t again_ms_ = 0;  // when it is tried again
  bool warned_ = false;    // that the mirror has no room
  std::future<Result<Then>> errand_;
};

}  // namespace leat
