#pragma once

// A batch as a table that SQL can read: a virtual table of the connection's own. INSERT … SELECT from it stores
// thousands of rows in one statement, with one cursor: about a third cheaper than a statement a row, which binds each
// cell, begins, seeks the table's end and ends anew. https://sqlite.org/vtab.html
// Owned by a writer; one thread.

#include <memory>
#include <string>

#include "base/time.h"
#include "data/record_batch.h"
#include "db/sqlite.h"

namespace leat {

// A time as it is stored; keeps its memory.
class TimeText {
 public:
  // Valid until the next call.
  std::string_view format(int64_t micros) {
    text_.clear();
    append_time(text_, micros);
    return text_;
  }

 private:
  std::string text_;
};

class SqliteBatchTable {
 public:
  // `name`: of the table, unique on its connection. Lives until the connection has no statement that names it.
  static Result<std::unique_ptr<SqliteBatchTable>> make(const SqliteDatabase& db, const std::string& name,
                                                        SchemaPtr schema);

  // What SELECT * gives from now on: rows [first, first + count) of `batch`, their cells in the order of the schema,
  // then `part`, the offset of the record, and a number, `row` for the first one and one more for each.
  void show(const RecordBatch& batch, size_t first, size_t count, int64_t part, int64_t row);

 private:
  struct Calls;  // what SQLite calls
  explicit SqliteBatchTable(SchemaPtr schema) : schema_(std::move(schema)) {}
  void put_cell(sqlite3_context* into, size_t row, size_t column);

  SchemaPtr schema_;
  TimeText time_;
  const RecordBatch* batch_ = nullptr;
  size_t first_ = 0;
  size_t end_ = 0;
  int64_t part_ = 0;
  int64_t row_ = 0;
};

}  // namespace leat
