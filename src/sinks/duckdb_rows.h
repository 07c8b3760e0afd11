#pragma once

// The row table of a pipeline in DuckDB: making and widening it, appending rows, reading them back as batches. Owned by
// the sink or the store; one thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/record_batch.h"
#include "db/duckdb.h"

namespace leat {

// `text` as DuckDB takes it: itself, or in `made` with \xHH for what is not UTF-8.
std::string_view duckdb_text(std::string_view text, std::string& made);

// bad_config: DuckDB takes no table of that name.
Status check_duckdb_table(const std::string& where, const std::string& table);

// Within a transaction: makes the table, or adds the columns that `schema` has more. `known`: as stored (no fields: the
// pipeline is new). merge: it has a column _revision, and beside it there is duckdb_before_table(). bad_config: a table
// of that name that is not ours, a column whose type is another one now, or with a name that leat keeps for itself.
Status make_duckdb_rows(const DuckDb& db, const std::string& pipeline, const std::string& table, const Schema& schema,
                        const Schema& known, bool merge = false);
// Rows that provisional records have taken over, with merge.
std::string duckdb_before_table(const std::string& table);

// `count` rows of a column of a batch, into column `place` of the rows that are free. A real that is not a number is
// NULL.
void put_duckdb_cells(DuckDbCells& into, size_t place, const RecordBatch& batch, size_t column, size_t first,
                      size_t count);

// Appends rows to a table that has the columns of a schema, _part, _offset, _row and maybe more. Within a transaction,
// for which begin() prepares it.
class DuckDbRowAppender {
 public:
  static Result<std::unique_ptr<DuckDbRowAppender>> make(const DuckDb& db, const std::string& table, SchemaPtr schema);
  // Rows [first, first + count) under the numbers from `row` and the revisions from `revision` on. They are in the
  // table after flush().
  Status add(const RecordBatch& batch, size_t first, size_t count, int64_t part, int64_t row, int64_t revision);
  Status flush();
  // Lets go of what was not flushed: before the transaction is rolled back or committed.
  void end() {
    appender_.reset();
    waiting_ = 0;
  }

 private:
  DuckDbRowAppender(const DuckDb& db, std::string table, SchemaPtr schema)
      : db_(&db), table_(std::move(table)), schema_(std::move(schema)) {}

  const DuckDb* db_;
  std::string table_;
  SchemaPtr schema_;
  std::vector<size_t> places_;  // of the schema's columns in the table
  std::optional<size_t> part_;
  std::optional<size_t> offset_;
  std::optional<size_t> row_;
  std::optional<size_t> revision_;
  std::vector<size_t> others_;  // that somebody else has added: NULL
  std::unique_ptr<DuckDbAppender> appender_;
  size_t waiting_ = 0;  // rows since the last flush()
};

// Rows that fulfil `where`, a condition over the table's columns, all at once, in no order; only the columns asked for.
Result<RecordBatch> read_duckdb_rows(const DuckDb& db, const std::string& table, const SchemaPtr& schema,
                                     const std::vector<size_t>& columns, const std::string& where);

// Reads rows back in the order of `_row`, some thousands at a time, only the columns asked for; the others are NULL in
// the batches.
class DuckDbReader {
 public:
  // Rows numbered [from, to) that fulfil `where`, a condition over the table's columns ("": all).
  static Result<std::unique_ptr<DuckDbReader>> make(const DuckDb& db, const std::string& table, SchemaPtr schema,
                                                    std::vector<size_t> columns, std::string where = "",
                                                    int64_t from = 0, int64_t to = INT64_MAX);
  // The next rows; none: the end.
  Result<RecordBatch> next();

 private:
  DuckDbReader(const DuckDb& db, SchemaPtr schema, std::vector<size_t> columns)
      : db_(&db), schema_(std::move(schema)), columns_(std::move(columns)) {}
  const DuckDb* db_;
  SchemaPtr schema_;
  std::vector<size_t> columns_;
  std::string sql_;
  int64_t from_ = 0;
  int64_t to_ = 0;
};

}  // namespace leat
