#pragma once

// Writes batches into the tables of a pipeline in PostgreSQL: rows, rejects, provisional records and what is undone of
// them, aggregates. Transactions and savepoints are the sink's. Owned by it; its thread.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/record_batch.h"
#include "data/reject.h"
#include "db/postgres.h"
#include "flow/sink.h"
#include "os/clock.h"
#include "sinks/part_books.h"
#include "sinks/postgres_aggregates.h"
#include "sinks/postgres_keyed_rows.h"
#include "sinks/postgres_rows.h"

namespace leat {

// What a batch writer works on; must outlive it.
struct PostgresTables {
  const PostgresDatabase& db;
  std::string pipeline;
  std::string table;
  PartBooks& parts;
  PostgresAggregates& aggregates;
  os::Clock& clock;
};

class PostgresBatchWriter {
 public:
  // next_row: the first number that no row has had.
  static Result<std::unique_ptr<PostgresBatchWriter>> make(PostgresTables tables, const SinkPlan& plan,
                                                           int64_t next_row);

  // The parts of the batch and its rejects are known. now: within a savepoint, to which the caller goes back when it
  // fails: in memory nothing has changed then. Otherwise rows may still be refused later on, with the transaction.
  Result<Written> write(BookedPart& part, const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects,
                        bool now);
  // As Sink::retry; within a savepoint, to which the caller goes back when it fails or is false.
  Result<bool> retry(int64_t reject, const RecordBatch& batch);
  // Undoes the provisional record of `part`, which its position has passed.
  Status undo_passed(BookedPart& part);
  // What came in vain goes: rejects always, rows where they have no key.
  Status undo_void(const VoidRange& what);
  // Rows whose revision is smaller go, as nothing has brought them since; how many.
  Result<uint64_t> delete_unseen(int64_t before_revision);
  // Before COMMIT: what was counted goes into its tables.
  Status apply();

  [[nodiscard]] int64_t next_row() const { return next_row_; }

 private:
  // What a write changes beside its own rows. Aggregates cannot take it back: it is handed to them when all is well.
  struct Changes {
    std::vector<RecordBatch> gone;                       // rows that are not there any more, or not like this
    std::vector<RecordBatch> come;                       // rows that are there again
    std::vector<std::pair<size_t, size_t>> written;      // rows of the batch: first, count
    std::vector<std::pair<int64_t, uint64_t>> taken;     // part and offset of records that were taken over
    std::vector<std::pair<int64_t, uint64_t>> returned;  // and of those that came back
    std::vector<std::pair<BookedPart*, BookedProvisional>> undone;
    Rejects rejects;  // rows without a key
  };
  struct Taken {
    int64_t rows = 0;
    uint64_t digest = 0;
  };

  PostgresBatchWriter(PostgresTables tables, const SinkPlan& plan, int64_t next_row)
      : tables_(std::move(tables)),
        schema_(plan.schema),
        merge_(plan.mode == WriteMode::merge),
        mark_seen_(plan.reconcile),
        copy_(tables_.db, tables_.table, schema_),
        next_row_(next_row) {}
  Result<Written> write_all(BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                            const Rejects& rejects, Changes& changes);
  // Rows [first, first + count) in the table's write mode; `last_row`: the number of the last one that is in it now.
  Status write_rows(const BookedPart& part, const RecordBatch& batch, size_t first, size_t count, Changes& changes,
                    Written& written, int64_t& last_row);
  Status write_keyed(const BookedPart& part, const RecordBatch& batch, size_t first, size_t count, Changes& changes,
                     Written& written, int64_t& last_row);
  Result<std::vector<StagedRow>> look_past_provisional(Changes& changes);
  Status make_final(int64_t row);
  Status mark_seen(const std::vector<int64_t>& rows);
  // Those from `from` on; the number of the first one.
  Result<int64_t> write_rejects(const Rejects& rejects, size_t from);
  // Deletes the row or reject of the provisional record of `part`; what it had taken over comes back.
  Status undo(BookedPart& part, Changes& changes);
  Status read_rows(const std::string& where, const std::vector<int64_t>& parameters, std::vector<RecordBatch>& into);
  Status touch_rows(const std::string& where, const std::vector<int64_t>& parameters);
  Status hand_over(Changes& changes, const RecordBatch& batch);

  PostgresTables tables_;
  SchemaPtr schema_;
  bool merge_;
  bool mark_seen_;  // a record that is ignored gives its row a new revision
  PostgresCopy copy_;
  std::unique_ptr<PostgresKeyedRows> keyed_;  // ignore, merge
  int64_t next_row_;
  std::map<int64_t, Taken> taken_;  // by part, since the last apply()
};

}  // namespace leat
