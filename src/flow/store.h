#pragma once

// Reading, proving and mending what a sink keeps, from the target alone: for status, verify, rebuild, the server. A
// Store never changes rows that a sink has written, but undoes them. One thread; several Stores may be open beside a
// running Sink.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/aggregate_spec.h"
#include "data/position.h"
#include "data/schema.h"
#include "flow/run.h"
#include "flow/scan.h"

namespace leat {

struct PartState {
  Position position;
  Counts counts;  // over all ranges of the part, the provisional record included
  uint64_t gap_bytes = 0;
};

// Of a sink that spools rows and hands them on in jobs.
struct LoadState {
  uint64_t loaded = 0;   // segments
  uint64_t waiting = 0;  // likewise
  uint64_t waiting_rows = 0;
  uint64_t waiting_bytes = 0;
  uint64_t jobs = 0;  // that were carried out
  uint64_t bytes_billed = 0;
  std::string last_job;       // empty: none
  std::string last_job_link;  // where a person can look at it
  std::optional<int64_t> last_job_micros;
};

struct PipelineState {
  std::string pipeline;
  std::string table;
  std::string writer;                       // who runs or last ran it: "pid 123 on host"
  bool running = false;                     // the writer is alive on this machine, and in a run
  bool writer_alive = false;                // it is alive on this machine, maybe between two runs
  std::optional<int64_t> committed_micros;  // time of the last commit
  double rows_per_second = 0;               // as of the last commit
  std::string last_error;                   // empty: none since the last commit
  std::optional<int64_t> error_micros;
  std::optional<PipelineRun> run;       // the last one that has ended, of a pipeline with a schedule
  std::vector<PartState> parts;         // in the order in which they were first seen
  std::vector<std::string> aggregates;  // names
  std::vector<std::string> timezones;   // of the aggregates, in the same order
  std::optional<LoadState> loads;

  // Between two runs of its schedule.
  [[nodiscard]] bool is_waiting() const { return !running && writer_alive && run && run->next_micros; }
};

struct VerifyReport {
  uint64_t records = 0;
  uint64_t rows = 0;
  uint64_t rejects = 0;
  uint64_t updated = 0;  // records that took over the row with their key
  uint64_t filtered = 0;
  uint64_t ignored = 0;
  uint64_t lost = 0;
  uint64_t doubled = 0;
  uint64_t gap_bytes = 0;
  uint64_t aggregate_problems = 0;    // how many of them rebuild() mends
  std::vector<std::string> problems;  // each names the table, the part and the numbers; empty: proven

  void add(const VerifyReport& other) {
    records += other.records;
    rows += other.rows;
    rejects += other.rejects;
    updated += other.updated;
    filtered += other.filtered;
    ignored += other.ignored;
    lost += other.lost;
    doubled += other.doubled;
    gap_bytes += other.gap_bytes;
    aggregate_problems += other.aggregate_problems;
    problems.insert(problems.end(), other.problems.begin(), other.problems.end());
  }
};

struct RebuildRequest {
  std::vector<std::string> pipelines;  // empty: all
  std::string aggregate;               // empty: all
};

struct Rebuilt {
  std::string pipeline;
  std::string aggregate;
  uint64_t buckets = 0;
  uint64_t rows = 0;  // that it was made from
};

struct RewindRequest {
  std::string pipeline;
  std::string part;        // that goes back to its beginning
  bool all = false;        // every part
  bool only_look = false;  // says what would be undone, and changes nothing
  Positions
      beginnings;  // of the parts that the source wants to find again (Source::at_beginning); others are forgotten
};

struct Undone {
  uint64_t parts = 0;
  uint64_t rows = 0;
  uint64_t rejects = 0;
};

// Rows of an aggregate's table, those with the largest `order` first.
struct AggregateQuery {
  AggregateSpec aggregate;           // as aggregates() gives it
  std::vector<std::string> columns;  // keys and measures of it
  std::string key;                   // one of its keys, which is to be `is`; empty: all rows
  StoredValue is;
  std::string order;  // one of its columns
  size_t limit = 0;
};
using StoredRows = std::vector<std::vector<StoredValue>>;

struct StoredReject {
  int64_t number = 0;  // ascends in the order in which they were written
  std::string pipeline;
  std::string part;
  std::string origin;
  uint64_t byte_offset = 0;
  uint64_t line = 0;
  std::string column;
  std::string reason;
  std::string raw;          // at most what the query asked for
  uint64_t raw_length = 0;  // of the whole record
  std::string at;           // when it was written, UTC
};

struct RejectQuery {
  std::string pipeline;
  bool by_place = false;  // by file and byte; else the newest first
  uint64_t skip = 0;
  uint64_t limit = 0;
  size_t raw_bytes = 0;  // of each record
};

// done and total in rows; total may be an estimate.
using StoreProgress = std::function<void(uint64_t done, uint64_t total)>;

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  virtual Result<std::vector<PipelineState>> pipelines() = 0;
  // The columns of a pipeline's table; none: it has not run yet.
  virtual Result<Schema> schema(const std::string& pipeline) = 0;
  // By name.
  virtual Result<std::vector<AggregateSpec>> aggregates(const std::string& pipeline) = 0;
  virtual Result<StoredRows> aggregate_rows(const AggregateQuery& query) = 0;
  // Calls `take` for each, one at a time, until it says false.
  virtual Status rejects(const RejectQuery& query, const std::function<bool(const StoredReject&)>& take) = 0;
  // The tables that others may read, by name.
  virtual Result<std::vector<StoredTable>> tables() = 0;
  // The largest row number in use; 0: no rows.
  virtual Result<int64_t> last_row(const std::string& table) = 0;
  // The next rows behind `after` (nothing: from the beginning), until `take` has enough or some 50 ms are over, rows
  // that fit no filter included. bad_config: there is no such table or column, or no index leads to what is asked for:
  // the message says how to make it. bad_data: `after` is not a key of this query.
  virtual Result<ScanPiece> scan(const ScanQuery& query, const std::optional<ScanKey>& after, const TakeRow& take) = 0;
  // From now on a call that takes longer fails with Kind::retry, so that a live view never waits. verify() does not.
  virtual void answer_within(uint64_t ms) = 0;

  // Checks all pipelines in one snapshot (docs/formats/database.md, "What verify proves").
  virtual Result<VerifyReport> verify(const StoreProgress& progress) = 0;
  // Makes aggregates again from their rows, all in one transaction: what was not mended is as it was. Nothing is
  // counted meanwhile: whoever wants to run one of the pipelines waits. bad_config: there is no such aggregate (with
  // what there is). fatal: another process runs one of the pipelines. retry: the target is locked or full.
  virtual Result<std::vector<Rebuilt>> rebuild(const RebuildRequest& request, const StoreProgress& progress) = 0;
  // Takes back what was written of parts: rows, rejects, ranges and what they have added to aggregates, in one
  // transaction. bad_config: no such pipeline or part; rows that cannot be taken back by part (merge, replace). fatal:
  // another process runs the pipeline. retry: the target is locked or full.
  virtual Result<Undone> rewind(const RewindRequest& request) = 0;
};

}  // namespace leat
