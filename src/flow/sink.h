#pragma once

// Where rows go. Rows, rejects, aggregates and positions become one fact in commit(). Every call but prepare() is made
// by the pipeline's sink thread. A Sink is opened again after every failure: open() forgets all that happened before.

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "data/aggregate_spec.h"
#include "data/position.h"
#include "data/record_batch.h"
#include "data/reject.h"
#include "flow/results.h"
#include "flow/run.h"

namespace leat {

enum class WriteMode : uint8_t {
  append,   // every record a row
  ignore,   // a record whose key is there already is counted and left out
  merge,    // a record whose key is there already takes its place
  replace,  // the rows of a whole pull take the place of all earlier ones, at finish()
};
// The words used in configuration, in the order of the enum.
constexpr std::array<std::string_view, 4> kWriteModes = {"append", "ignore", "merge", "replace"};
constexpr std::string_view name_of(WriteMode mode) {
  return kWriteModes[static_cast<size_t>(mode)];
}

// That `leat serve` can read a table by these columns. Made when it is missing, never taken away.
struct TableIndex {
  std::string table;  // of the pipeline or of one of its aggregates
  std::vector<std::string> columns;
};

struct SinkPlan {
  std::string pipeline;
  std::string table;
  SchemaPtr schema;
  WriteMode mode = WriteMode::append;
  std::vector<std::string> key;  // columns that make a record unique; for ignore and merge
  std::string newest;            // for merge: the larger value of this column wins; empty: the later record does
  bool reconcile = false;        // for merge: the source pulls everything again now and then (FullPull)
  std::string source_schema;     // Decoder::save_schema(), to be kept
  bool reads_once = false;       // the source cannot be read again: a row that is refused must be found by its write()
  bool new_run = false;          // for replace: what an earlier run has left is dropped, also one of this object
  std::vector<AggregateSpec> aggregates;
  std::vector<TableIndex> indexes;
  std::stop_token stop = {};  // the run is to end: what waits for others within a call may end with stopped
};

// What became of the rows of one write; `digest` covers the inserted, updated and rejected ones (data/position.h).
struct Written {
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t ignored = 0;
  uint64_t rejected = 0;  // by the sink itself, which keeps them with its rejects: a NULL in the key
  uint64_t digest = 0;
};

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  // The plan.source_schema of this pipeline's last open(); "" when it never ran here. In place of open().
  virtual Result<std::string> source_schema(const std::string& /*pipeline*/) { return std::string(); }

  // The last run of a pipeline with a schedule that has ended; nothing: none. And keeps one. Both in place of open().
  virtual Result<std::optional<PipelineRun>> last_run(const std::string& /*pipeline*/) {
    return std::optional<PipelineRun>();
  }
  virtual Status keep_run(const std::string& /*pipeline*/, const PipelineRun& /*run*/) { return {}; }

  // Makes or checks the tables and returns where every part of this pipeline stands. Kinds: retry (locked, disk full),
  // bad_config (the table is not ours, a newer layout), fatal (corrupt, another process runs this pipeline).
  virtual Result<Positions> open(const SinkPlan& plan) = 0;

  // Works out what needs nothing of what was written before, and leaves it in batch.prepared: where there are cores,
  // the threads that decode do it, several at once, beside the sink's own and in any order; from open() to the
  // rollback() or finish() that follows. write() takes a batch that was not prepared as well.
  virtual void prepare(RecordBatch& /*batch*/) const {}

  // Rows [first, first + count) of `batch` and all of `rejects`, not yet committed. bad_data: the target refuses these
  // rows; nothing of this call remains (earlier writes do).
  // Where the batch begins at a provisional record of its part, that record is undone first.
  virtual Result<Written> write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) = 0;

  // The one row of `batch` takes the place of a stored reject of its number, decoded again; no row: a transform leaves
  // the record out. Not yet committed. False: the target does not take the row, or the reject is of a record that has
  // no end yet; nothing has changed.
  virtual Result<bool> retry(int64_t /*reject*/, const RecordBatch& /*batch*/) { return false; }

  // One fact: all writes since the last commit, these positions, these ranges. A range with FullPull::ends takes the
  // rows out that were neither written nor ignored since the commit with FullPull::begins. After any failure nobody
  // knows whether it landed: close by rollback(), open again, read the positions. fatal: another process runs this
  // pipeline.
  virtual Status commit(const Positions& moved, const Ranges& ranges) = 0;

  // Nothing comes at the moment, and all is committed: what has waited long enough goes on. Called every now and then;
  // as commit().
  virtual Status when_idle() { return {}; }

  // Undoes what is not committed and lets go of the target, so that open() starts from nothing.
  virtual void rollback() noexcept = 0;

  // The source ended and everything is committed. WriteMode::replace: what was written takes the table's place.
  virtual Status finish() = 0;

  // Keeps the last trouble of this pipeline where `status` can show it, if the target lets us: best effort.
  virtual void note_trouble(const std::string& message) noexcept = 0;

  // What is to be shown once the run is over, by a sink that keeps it nowhere else; null: there is nothing. Called
  // after the last rollback(); the sink is not opened again.
  virtual const Results* results() { return nullptr; }
};

}  // namespace leat
