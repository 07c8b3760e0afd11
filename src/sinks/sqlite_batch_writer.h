#pragma once

// Writes batches into the tables of a pipeline: rows in its write mode, rejects, provisional records and what is undone
// of them, aggregates (docs/formats/database.md). Transactions and savepoints are the sink's. Owned by it; its thread.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/record_batch.h"
#include "data/reject.h"
#include "db/sqlite.h"
#include "flow/sink.h"
#include "os/clock.h"
#include "sinks/sqlite_aggregates.h"
#include "sinks/sqlite_keyed_rows.h"
#include "sinks/sqlite_parts.h"
#include "sinks/sqlite_rows.h"

namespace leat {

// What a batch writer works on; must outlive it.
struct BatchTables {
  const SqliteDatabase& db;
  std::string pipeline;  // under which parts and rejects are kept
  std::string table;
  SqliteParts& parts;
  SqliteAggregates& aggregates;
  os::Clock& clock;
};

class SqliteBatchWriter {
 public:
  // next_row: the first number that no row has had.
  static Result<std::unique_ptr<SqliteBatchWriter>> make(BatchTables tables, const SinkPlan& plan, int64_t next_row);

  // At the beginning of a transaction: another pipeline may have added rejects, or moved rows (VACUUM).
  Status begin();
  // Within a savepoint, to which the caller goes back when it fails: in memory nothing has changed then. The parts of
  // the batch and its rejects are known.
  Result<Written> write(BookedPart& part, const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects);
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
    explicit Changes(const SchemaPtr& schema) : before(schema) {}
    std::vector<RecordBatch> gone;  // rows
    std::vector<RecordBatch> come;
    RecordBatch before;                                  // rows as they were before they were taken over
    std::vector<std::pair<size_t, size_t>> written;      // rows of the batch: first, count
    std::vector<std::pair<int64_t, uint64_t>> taken;     // part and offset of rows that were taken over
    std::vector<std::pair<int64_t, uint64_t>> returned;  // and of those that came back
    std::vector<std::pair<BookedPart*, BookedProvisional>> undone;
    Rejects rejects;  // rows without a key
  };

  SqliteBatchWriter(BatchTables tables, SchemaPtr schema)
      : tables_(std::move(tables)), db_(&tables_.db), schema_(std::move(schema)) {}
  Result<Written> write_all(BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                            const Rejects& rejects, Changes& changes);
  // Rows [first, first + count) in the table's write mode; `last_row`: the number of the last one that is in it now.
  Status write_rows(const BookedPart& part, const RecordBatch& batch, size_t first, size_t count, Changes& changes,
                    Written& written, int64_t& last_row);
  Status write_keyed(const BookedPart& part, const RecordBatch& batch, size_t first, size_t count, Changes& changes,
                     Written& written, int64_t& last_row);
  Status make_final(int64_t row);
  Status write_rejects(const Rejects& rejects, size_t from);
  Status undo(BookedPart& part, Changes& changes);
  Status touch_rows(const std::string& where, const std::vector<int64_t>& parameters);
  Status read_rows(const std::string& where, const std::vector<int64_t>& parameters, std::vector<RecordBatch>& into);
  Status hand_over(Changes& changes, const RecordBatch& batch);

  BatchTables tables_;
  const SqliteDatabase* db_;
  SchemaPtr schema_;
  std::unique_ptr<RowWriter> rows_;   // append, replace
  std::unique_ptr<KeyedRows> keyed_;  // ignore, merge
  SqliteStatement insert_reject_;
  SqliteStatement delete_row_;
  SqliteStatement renumber_;
  SqliteStatement delete_rejects_;
  SqliteStatement take_reject_;
  bool mark_seen_ = false;  // a record that is ignored gives its row a new revision
  int64_t next_row_ = 1;
  int64_t next_reject_ = 1;
  int64_t data_version_ = -1;  // changes when another connection has committed
  struct Taken {
    int64_t rows = 0;
    uint64_t digest = 0;
  };
  std::unordered_map<int64_t, Taken> taken_;                   // by part, since the last apply()
  std::unordered_map<int64_t, BookedPart*> provisional_rows_;  // of the write at hand
};

}  // namespace leat
