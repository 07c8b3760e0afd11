#pragma once

// Writes batches into the tables of a pipeline in DuckDB: rows, rejects, provisional records and what is undone of
// them, aggregates. Transactions are the sink's. Owned by it; its thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/record_batch.h"
#include "data/reject.h"
#include "db/duckdb.h"
#include "flow/sink.h"
#include "os/clock.h"
#include "sinks/duckdb_aggregates.h"
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
  // What came in vain goes.
  Status undo_void(const VoidRange& what);
  // Before the transaction is committed: what was gathered goes into the tables, aggregates too.
  Status apply();

  [[nodiscard]] int64_t next_row() const { return next_row_; }

 private:
  DuckDbBatchWriter(DuckDbTables tables, const SchemaPtr& schema, int64_t next_row)
      : tables_(std::move(tables)), schema_(schema), next_row_(next_row) {}
  // The number of the first one.
  Result<int64_t> write_rejects(const Rejects& rejects, size_t from);
  // Deletes the row or reject of the provisional record of `part`.
  Status undo(const BookedPart& part);
  // Rows that fulfil `where` are about to be deleted: their buckets are to be counted anew.
  Status touch(const std::string& where, int64_t from_row, int64_t to_row);
  [[nodiscard]] Status change(const std::string& sql) const { return tables_.db.execute(sql); }

  DuckDbTables tables_;
  SchemaPtr schema_;
  std::unique_ptr<DuckDbRowAppender> rows_;
  int64_t next_row_;
};

}  // namespace leat
