#pragma once

// The row table of a pipeline: making and widening it, writing rows into it, reading them back as batches.
// Owned by the sink or the store; one thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/record_batch.h"
#include "db/sqlite.h"
#include "sinks/sqlite_batch_table.h"

namespace leat {

// What a column of this type is declared as.
const char* sqlite_storage(Type type);

// Binds the cells of rows to the parameters of a statement.
class CellBinder {
 public:
  explicit CellBinder(SchemaPtr schema) : schema_(std::move(schema)), times_(schema_->fields.size()) {}
  // Valid until the next cell of that column is bound.
  void bind(SqliteStatement& statement, int at, const RecordBatch& batch, size_t row, size_t column);
  [[nodiscard]] const Schema& schema() const { return *schema_; }

 private:
  SchemaPtr schema_;
  std::vector<TimeText> times_;  // one for each column
};

// Puts a cell as it was stored back into a row of `batch`.
void read_cell(const SqliteStatement& from, int at, RecordBatch& batch, size_t row, size_t column);

// Within a transaction: makes the table, or adds the columns that `schema` has more. `known`: as stored (no fields:
// the pipeline is new). bad_config: a table of that name that is not ours, a column whose type is another one now,
// names that cannot be columns. merge: with the column _revision.
Status make_row_table(const SqliteDatabase& db, const std::string& pipeline, const std::string& table,
                      const Schema& schema, const Schema& known, bool merge = false);

// Of a pipeline whose rows are elsewhere: columns that are not known yet are, from now on.
Status keep_sqlite_columns(const SqliteDatabase& db, const std::string& pipeline, const Schema& schema);

// bad_config: a pipeline cannot fill a table of that name.
Status check_table_name(const std::string& where, const std::string& table);

// The table that keeps rows which a provisional record has taken over.
std::string before_table(const std::string& table);

// Inserts rows under ascending numbers.
class RowWriter {
 public:
  static Result<std::unique_ptr<RowWriter>> make(const SqliteDatabase& db, const std::string& table, SchemaPtr schema);
  // Rows [first, first + count) under the numbers from `row` on.
  Status insert(const RecordBatch& batch, size_t first, size_t count, int64_t part, int64_t row);

 private:
  RowWriter() = default;
  std::unique_ptr<SqliteBatchTable> batch_;
  SqliteStatement insert_;
};

// Reads rows back in the order of `_row`, only the columns asked for; the others are NULL in the batches.
class RowReader {
 public:
  // `where`: a condition over the table's columns in SQL with the parameters ?1, ?2 …, or "".
  static Result<std::unique_ptr<RowReader>> make(const SqliteDatabase& db, const std::string& table, SchemaPtr schema,
                                                 std::vector<size_t> columns, const std::string& where,
                                                 const std::vector<int64_t>& parameters = {});
  // The next rows, some thousands at most; none: the end.
  Result<RecordBatch> next();

 private:
  RowReader(SchemaPtr schema, std::vector<size_t> columns) : schema_(std::move(schema)), columns_(std::move(columns)) {}

  SchemaPtr schema_;
  std::vector<size_t> columns_;
  SqliteStatement select_;
  bool ended_ = false;
};

}  // namespace leat
