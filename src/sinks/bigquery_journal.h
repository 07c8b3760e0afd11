#pragma once

// What is true of a pipeline that fills a table of BigQuery: its books and its segments, in a SQLite database beside
// the segments' files (docs/formats/bigquery-sink.md). Owned by the sink; the sink's thread.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/position.h"
#include "data/reject.h"
#include "db/sqlite.h"
#include "flow/run.h"
#include "flow/sink.h"
#include "flow/store.h"
#include "os/clock.h"
#include "sinks/bigquery_answer.h"
#include "sinks/bigquery_mirror.h"
#include "sinks/bigquery_partitions.h"
#include "sinks/sqlite_claim.h"
#include "sinks/sqlite_parts.h"

namespace leat {

struct BigQuerySegment {
  uint64_t number = 0;
  bool sealed = false;
  uint64_t rows = 0;
  uint64_t bytes = 0;        // of its file
  uint64_t plain_bytes = 0;  // of its lines
  uint32_t crc = 0;          // of them
  std::string sha256;        // of the file; sealed ones only
  std::string fields;        // BigQueryRows::fields_json()
  int64_t begun_micros = 0;
};

using BigQueryTallies = std::map<std::string, BigQueryTally>;  // by the part's name

// A job that was carried out.
struct BigQueryDone {
  std::string step;  // "load", "load.01", "merge"
  BigQueryJob job;
};

// A row of a segment that BigQuery does not take.
struct RefusedRow {
  std::string part;
  uint64_t offset = 0;
  std::string column;  // empty: none is named
  std::string reason;
  std::string raw;  // the record, or what was sent of it
};

using BigQuerySegmentTallies = std::map<uint64_t, BigQueryTally>;  // by the segment

// A reject that becomes a row.
struct TakenReject {
  std::string part;
  uint64_t offset = 0;
};

// 16 hexadecimal digits that nobody has had.
std::string new_bigquery_generation();

class BigQueryJournal {
 public:
  // Makes it when it is missing, and makes this process the pipeline's writer. As SqliteClaim::take(); retry, fatal: as
  // SQLite says.
  static Result<std::unique_ptr<BigQueryJournal>> open(const std::string& path, const SinkPlan& plan, os::Clock& clock);
  BigQueryJournal(const BigQueryJournal&) = delete;
  BigQueryJournal& operator=(const BigQueryJournal&) = delete;
  ~BigQueryJournal();

  // 16 hexadecimal digits, made with the journal.
  [[nodiscard]] const std::string& generation() const { return generation_; }
  // The generation of the journal whose place this one has taken; empty: of none.
  [[nodiscard]] const std::string& follows() const { return follows_; }
  // Nothing was ever committed.
  Result<bool> is_empty();
  // Parts, positions and ranges as they are.
  Result<MirroredBooks> books();
  // An empty one goes on where another one stood, whose segments up to `mirror.segment` are in the table. A transaction
  // of its own. Its rejects are gone: in the ranges they are filtered records from now on.
  Status restore(const BigQueryMirror& mirror);
  [[nodiscard]] Positions positions() const { return parts_->positions(); }
  // Sealed ones in their order, then the open one if there is one.
  Result<std::vector<BigQuerySegment>> segments();
  // Columns of the pipeline; empty: the table has none.
  static Result<std::vector<std::string>> read_key(const SqliteDatabase& db);
  // The segment up to which the books were taken from the mirror of an earlier journal; 0: none.
  [[nodiscard]] Result<uint64_t> mirrored() const;
  // 0: none is loaded yet.
  [[nodiscard]] Result<int64_t> last_loaded() const {
    return db_->query_integer("SELECT max(segment) FROM _leat_segments WHERE state = 'loaded'");
  }
  // One that no segment has had.
  Result<uint64_t> next_segment();

  // Begins a transaction unless one is open. fatal: another process has taken the pipeline.
  Status begin();
  // In the transaction.
  Status add_rejects(const Rejects& rejects);
  // A stored reject goes, its record is a row or left out from now on: the range it is in says so. Nothing: there is no
  // such reject.
  Result<std::optional<TakenReject>> take_reject(int64_t reject, bool filtered);
  // Ends it: the commit. `open`: null when there is none, with what has come to it since the last commit. What the
  // ranges say is void leaves the books; of a table without a key its rows are to be undone.
  Status commit(const Positions& moved, const Ranges& ranges, const BigQuerySegment* open,
                const BigQueryTallies& written, double rows_per_second);
  // Each is a transaction of its own.
  Status seal(const BigQuerySegment& segment);
  // Its rows are in the table, by these jobs, but for those that BigQuery has refused, which are rejects from now on.
  Status settle(uint64_t segment, const std::vector<BigQueryDone>& jobs, const std::vector<RefusedRow>& refused);
  // The next one whose rows are all in the table; nothing: there is none.
  Result<std::optional<BigQueryUndo>> next_undo();
  // Parts were rewound, and their rows are not out of the table yet.
  [[nodiscard]] Result<bool> is_rewinding() const;
  // Each is a transaction of its own: what of it is in the table; and that it is gone by this job.
  Status measure(const BigQueryUndo& undo, const BigQuerySegmentTallies& found);
  Status settle(const BigQueryUndo& undo, const BigQueryDone& job);
  // With WriteMode::replace the books are those of the pull that is under way, under its next_pipeline(). Each of these
  // is a transaction of its own. What an earlier pull has left goes; a new generation begins.
  Status begin_pull();
  // All that was pulled waits in the next table, and takes the place of all, or of these partitions.
  Status complete_pull(const std::optional<BigQueryPartitions>& partitions);
  // What complete_pull() was told.
  [[nodiscard]] Result<std::optional<BigQueryPartitions>> pulled_partitions() const;
  // Which partitions the last pull that ended has brought, of what it has brought into `db`; nothing: all.
  static Result<std::optional<BigQueryPartitions>> read_partitions(const SqliteDatabase& db,
                                                                   const std::string& pipeline);
  [[nodiscard]] Result<bool> is_pull_complete() const;
  // It is the table's content now, by these jobs; the books of the one before go.
  Status end_pull(const std::vector<BigQueryDone>& copies);
  // The pipeline ended well.
  Status release();

  // In place of open(). What a pipeline was opened with last, without what is no matter of its journal. bad_config: it
  // has not run.
  static Result<SinkPlan> read_plan(const std::string& path, const std::string& pipeline);
  // As Store::rewind(), but for the rows: open(), and then next_undo() has them.
  static Result<Undone> rewind(const std::string& path, const SinkPlan& plan, const RewindRequest& request);
  // Nothing is known where there is no file.
  static Result<std::string> source_schema(const std::string& path, const std::string& pipeline);
  static Result<std::optional<PipelineRun>> last_run(const std::string& path, const std::string& pipeline);
  static Status keep_run(const std::string& path, const std::string& pipeline, const PipelineRun& run);
  static Status note_trouble(const std::string& path, const std::string& pipeline, const std::string& message,
                             os::Clock& clock);

 private:
  BigQueryJournal(std::unique_ptr<SqliteDatabase> db, std::string pipeline, os::Clock& clock)
      : clock_(clock), pipeline_(std::move(pipeline)), db_(std::move(db)) {}
  Status set_up(const SinkPlan& plan);
  Status keep_key(const SinkPlan& plan);
  Status put(const BigQuerySegment& segment);
  Status put(uint64_t segment, const BigQueryTallies& written);
  Status refuse(uint64_t segment, const std::vector<RefusedRow>& refused);
  Status put_job(uint64_t segment, const BigQueryDone& done);
  Status make_void(const VoidRange& what, uint64_t segment);
  Result<bool> is_void(const BookedPart& part, uint64_t offset);
  Result<std::vector<BigQueryUndo>> undos(const std::string& condition);
  Status restore_undos(const MirroredBooks& books, uint64_t segment);
  Status forget_parts();
  Status forget_segments();

  os::Clock& clock_;
  std::string pipeline_;
  std::string books_;                   // the pipeline whose parts and rejects are written
  std::unique_ptr<SqliteDatabase> db_;  // before all that has statements on it
  std::unique_ptr<SqliteClaim> claim_;
  std::unique_ptr<SqliteParts> parts_;
  SqliteStatement insert_reject_;
  SqliteStatement put_segment_;
  SqliteStatement put_tally_;
  std::string generation_;
  std::string follows_;
  bool has_key_ = false;
  int64_t next_reject_ = 1;
};

}  // namespace leat
