#pragma once

// Rows of a table with a key in PostgreSQL: write modes ignore and merge (docs/formats/database.md, "Write modes"). A
// batch is copied into a temporary table and goes from there by INSERT … ON CONFLICT. Owned by the sink; its thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/record_batch.h"
#include "db/postgres.h"
#include "flow/sink.h"
#include "sinks/keyed_rows.h"
#include "sinks/postgres_rows.h"

namespace leat {

// Unique, over the key; over _revision, with merge.
std::string postgres_key_index(const std::string& table);
std::string postgres_revision_index(const std::string& table);
// In their order; empty: there is no such index, or one of expressions.
Result<std::vector<std::string>> postgres_index_columns(const PostgresDatabase& db, const std::string& index);
// Rows that provisional records have taken over, with merge.
std::string postgres_before_table(const std::string& table);

// Within a transaction: makes the table's unique index over the key of `plan`, or checks it. bad_config: a column that
// is not there or cannot be one of a key, another key than the table has, rows that are there twice.
Status make_postgres_key(const PostgresDatabase& db, const SinkPlan& plan);

class PostgresKeyedRows {
 public:
  // Within a transaction, which may be rolled back only with what is made here.
  static Result<std::unique_ptr<PostgresKeyedRows>> make(const PostgresDatabase& db, const SinkPlan& plan);

  [[nodiscard]] const std::vector<size_t>& key() const { return key_.key; }

  // Rows [first, first + count) of `batch`, but those without a key, wait to be written. bad_data: a value that the
  // table does not take.
  Status stage(const RecordBatch& batch, size_t first, size_t count, int64_t part);
  // What is known of them, in their order.
  Result<std::vector<StagedRow>> look() const;

  // They go into the table; with merge one that is there is taken over.
  Status put(const std::vector<KeyedPut>& puts) const;

  // A row that is about to be taken over is kept. Puts it back when its new content was deleted; false: none is kept.
  Status keep(int64_t row) const;
  Result<bool> restore(int64_t row) const;
  Status forget_kept(int64_t row) const;

 private:
  PostgresKeyedRows(const PostgresDatabase& db, const SinkPlan& plan);
  Status prepare(const SinkPlan& plan);

  const PostgresDatabase* db_;
  SchemaPtr schema_;
  std::string table_;
  bool merge_;
  PostgresCopy copy_;
  KeyColumns key_;
  std::string look_;
  std::string put_;
  std::string kept_columns_;
};

}  // namespace leat
