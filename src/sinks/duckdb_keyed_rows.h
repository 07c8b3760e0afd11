#pragma once

// Rows of a table with a key in DuckDB: write modes ignore and merge (docs/sinks/duckdb.md, "What it has"). There is no
// index: the records of a batch are joined with the table, which reads its key columns where their keys may be. Owned
// by the batch writer; its thread.

#include <memory>
#include <string>
#include <vector>

#include "data/record_batch.h"
#include "db/duckdb.h"
#include "flow/sink.h"
#include "sinks/keyed_rows.h"

namespace leat {

// Within a transaction: keeps the key of `plan`, or checks it. bad_config: a column that is not there, another key than
// the table has.
Status keep_duckdb_key(const DuckDb& db, const SinkPlan& plan);

class DuckDbKeyedRows {
 public:
  static Result<std::unique_ptr<DuckDbKeyedRows>> make(const DuckDb& db, const SinkPlan& plan);

  [[nodiscard]] const std::vector<size_t>& key() const { return columns_.key; }

  // What the table knows of these rows of `batch`, which have a key, in their order. fatal: it has a key twice.
  Result<std::vector<StagedRow>> look(const RecordBatch& batch, const std::vector<size_t>& rows);

  // Names rows of the table by their numbers: a condition that they fulfil, valid until the next call.
  Result<std::string> name(const std::vector<int64_t>& rows) const;
  // Rows get a new revision each, drawn from `next_row`.
  Status mark_seen(const std::vector<int64_t>& rows, int64_t& next_row) const;

  // A row that is about to be taken over is kept. Puts it back when its new content was deleted; false: none is kept.
  Status keep(int64_t row) const;
  Result<bool> restore(int64_t row) const;
  Status forget_kept(int64_t row) const;

 private:
  DuckDbKeyedRows(const DuckDb& db, const SinkPlan& plan)
      : db_(&db), schema_(plan.schema), table_(plan.table), merge_(plan.mode == WriteMode::merge) {}
  void prepare();
  Status stage(const RecordBatch& batch, const std::vector<size_t>& rows) const;

  const DuckDb* db_;
  SchemaPtr schema_;
  std::string table_;
  bool merge_;
  KeyColumns columns_;
  std::vector<size_t> staged_;  // those of the key, and that of `newest`
  std::string make_stage_;
  std::string look_;
  std::string kept_;  // names of columns
};

}  // namespace leat
