#pragma once

// Writes batches into the tables of a pipeline in DuckDB: rows, rejects, provisional records and what is undone of
// them, aggregates. Transactions are the sink's. Owned by it; its thread.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/record_batch.h"
#include "data/reject.h"
#include "db/duckdb.h"
#include "flow/sink.h"
#include "os/clock.h"
#include "sinks/duckdb_aggregates.h"
#include "sinks/duckdb_keyed_rows.h"
#include "sinks/duckdb_rows.h"
#include "sinks/part_books.h"

namespace leat {

// What a batch writer works on; must outlive it.
struct DuckDbTables {
  const DuckDb& db;
  std::string pipeline;
  std::string table;
  PartBooks& parts;
  DuckDbAggregates& aggregates;
  os::Clock& clock;
};

// After a call that fails the transaction can only be rolled back, and the writer be thrown away.
class DuckDbBatchWriter {
 public:
  // next_row: the first number that no row has had.
  static Result<std::unique_ptr<DuckDbBatchWriter>> make(DuckDbTables tables, const SinkPlan& plan, int64_t next_row);

  Result<Written> write(BookedPart& part, const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects);
  // As Sink::retry.
  Result<bool> retry(int64_t reject, const RecordBatch& batch);
  // Undoes the provisional record of `part`, which its position has passed.
  Status undo_passed(BookedPart& part);
  // What came in vain goes: rejects always, rows where they have no key.
  Status undo_void(const VoidRange& what);
  // Rows whose revision is smaller go, as nothing has brought them since; how many.
  Result<uint64_t> delete_unseen(int64_t before_revision);
  // Before the transaction is committed: what was gathered goes into the tables, aggregates too.
  Status apply();

  [[nodiscard]] int64_t next_row() const { return next_row_; }

 private:
  struct Taken {
    int64_t rows = 0;
    uint64_t digest = 0;
  };

  DuckDbBatchWriter(DuckDbTables tables, const SinkPlan& plan, int64_t next_row)
      : tables_(std::move(tables)),
        schema_(plan.schema),
        merge_(plan.mode == WriteMode::merge),
        mark_seen_(plan.reconcile),
        next_row_(next_row) {}
  // Rows [first, first + count) in the table's write mode, those without a key to `without_key`. The number of the last
  // row that is in the table by them.
  Result<int64_t> write_rows(const BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                             Written& written, Rejects& without_key);
  Result<int64_t> write_keyed(const BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                              Written& written, Rejects& without_key);
  Status take_over(const KeyedOutcome& outcome, bool provisional);
  Result<std::vector<StagedRow>> look_past_provisional(const RecordBatch& batch, const std::vector<size_t>& rows);
  Status make_final(int64_t row);
  // The number of the first one.
  Result<int64_t> write_rejects(const Rejects& rejects, size_t from);
  // Deletes the row or reject of the provisional record of `part`; what it had taken over comes back.
  Status undo(const BookedPart& part);
  // Rows that fulfil `where` go; their buckets are to be counted anew.
  Result<uint64_t> remove_rows(const std::string& where);
  Status store_taken();
  [[nodiscard]] Status change(const std::string& sql) const { return tables_.db.execute(sql); }

  DuckDbTables tables_;
  SchemaPtr schema_;
  bool merge_;
  bool mark_seen_;  // a record that is ignored gives its row a new revision
  std::unique_ptr<DuckDbRowAppender> rows_;
  std::unique_ptr<DuckDbKeyedRows> keyed_;  // ignore, merge
  int64_t next_row_;
  std::map<int64_t, Taken> taken_;  // by part, since the last apply()
};

}  // namespace leat
