#pragma once

// The row table of a pipeline in PostgreSQL: making and widening it, copying rows into it, reading them back as
// batches. Owned by the sink or the store; one thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/record_batch.h"
#include "db/postgres.h"

namespace leat {

// What a column is declared as: "text COLLATE \"C\"", "bytea".
std::string postgres_storage(Type type, bool bytes);
// The type of its values.
PostgresType postgres_type(Type type, bool bytes);
// "bigint[]".
const char* postgres_array(PostgresType type);

// `text` as a column of text takes it: itself, or in `made` with \xHH for what is not UTF-8 and for NUL.
std::string_view postgres_text(std::string_view text, std::string& made);

// bad_config: PostgreSQL takes no table, or column, of that name, or would cut it.
Status check_postgres_table(const std::string& where, const std::string& table);
Status check_postgres_column(const std::string& where, const std::string& table, const std::string& column);

// Within a transaction: makes the table, or adds the columns that `schema` has more. `known`: as stored (no fields: the
// pipeline is new). bad_config: a table of that name that is not ours, a column whose type is another one now.
Status make_postgres_rows(const PostgresDatabase& db, const std::string& pipeline, const std::string& table,
                          const Schema& schema, const Schema& known, bool merge = false);

// COPY of rows under ascending numbers. One goes on over many batches, until another statement comes: a server takes
// about a millisecond to begin one. A refused row is found at its end.
class PostgresCopy {
 public:
  // While one of another PostgresCopy is under way on `db`, none of this may be.
  PostgresCopy(const PostgresDatabase& db, const std::string& table, SchemaPtr schema);
  // Rows [first, first + count) under the numbers from `row` on; they are there when the COPY has ended.
  Status insert(const RecordBatch& batch, size_t first, size_t count, int64_t part, int64_t row);

 private:
  void put(const RecordBatch& batch, size_t row, size_t column);
  const PostgresDatabase* db_;
  SchemaPtr schema_;
  std::string sql_;
  PostgresBytes bytes_;
  std::string made_;
};

// Reads rows back in the order of `_row`, only the columns asked for; the others are NULL in the batches. Within a
// transaction.
class PostgresReader {
 public:
  // `where`: a condition over the table's columns in SQL with the parameters $1, $2 …, or "".
  static Result<std::unique_ptr<PostgresReader>> make(const PostgresDatabase& db, const std::string& table,
                                                      SchemaPtr schema, std::vector<size_t> columns,
                                                      const std::string& where,
                                                      const std::vector<int64_t>& parameters = {});
  // The next rows, some thousands at most; none: the end.
  Result<RecordBatch> next();

 private:
  PostgresReader(SchemaPtr schema, std::vector<size_t> columns)
      : schema_(std::move(schema)), columns_(std::move(columns)) {}
  SchemaPtr schema_;
  std::vector<size_t> columns_;
  PostgresRows rows_;
  bool ended_ = false;
};

}  // namespace leat
