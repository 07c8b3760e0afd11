#include "sinks/sqlite_batch_table.h"

#include <fmt/format.h>

#include "base/text.h"

namespace leat {

// SQLite knows the table and the cursor by their first member.
struct SqliteBatchTable::Calls {
  struct Table {
    sqlite3_vtab base;
    SqliteBatchTable* rows;
  };
  struct Cursor {
    sqlite3_vtab_cursor base;
    size_t row;
  };
  static SqliteBatchTable& rows_of(sqlite3_vtab_cursor* cursor) {
    return *reinterpret_cast<Table*>(cursor->pVtab)->rows;
  }
  static size_t& row_of(sqlite3_vtab_cursor* cursor) { return reinterpret_cast<Cursor*>(cursor)->row; }

  static int connect(sqlite3* db, void* rows, int, const char* const*, sqlite3_vtab** table, char**) {
    auto* self = static_cast<SqliteBatchTable*>(rows);
    std::string sql = "CREATE TABLE batch(";
    for (size_t i = 0; i < self->schema_->fields.size(); ++i) sql += fmt::format("c{}, ", i);
    sql += "part, byte_offset, row)";
    const int code = sqlite3_declare_vtab(db, sql.c_str());
    if (code == SQLITE_OK) *table = &(new Table{{}, self})->base;
    return code;
  }
  static int disconnect(sqlite3_vtab* table) {
    delete reinterpret_cast<Table*>(table);
    return SQLITE_OK;
  }
  static int best_index(sqlite3_vtab*, sqlite3_index_info*) { return SQLITE_OK; }
  static int open(sqlite3_vtab*, sqlite3_vtab_cursor** cursor) {
    *cursor = &(new Cursor{})->base;
    return SQLITE_OK;
  }
  static int close(sqlite3_vtab_cursor* cursor) {
    delete reinterpret_cast<Cursor*>(cursor);
    return SQLITE_OK;
  }
  static int filter(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value**) {
    row_of(cursor) = rows_of(cursor).first_;
    return SQLITE_OK;
  }
  static int next(sqlite3_vtab_cursor* cursor) {
    ++row_of(cursor);
    return SQLITE_OK;
  }
  static int eof(sqlite3_vtab_cursor* cursor) { return row_of(cursor) >= rows_of(cursor).end_ ? 1 : 0; }
  static int column(sqlite3_vtab_cursor* cursor, sqlite3_context* into, int at) {
    rows_of(cursor).put_cell(into, row_of(cursor), static_cast<size_t>(at));
    return SQLITE_OK;
  }
  static int rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* row) {
    *row = static_cast<sqlite3_int64>(row_of(cursor));
    return SQLITE_OK;
  }

  // Without xCreate the table is there by its name alone (an eponymous-only one).
  static const sqlite3_module& module() {
    static const sqlite3_module calls = [] {
      sqlite3_module m{};
      m.xConnect = connect;
      m.xDisconnect = disconnect;
      m.xBestIndex = best_index;
      m.xOpen = open;
      m.xClose = close;
      m.xFilter = filter;
      m.xNext = next;
      m.xEof = eof;
      m.xColumn = column;
      m.xRowid = rowid;
      return m;
    }();
    return calls;
  }
};

Result<std::unique_ptr<SqliteBatchTable>> SqliteBatchTable::make(const SqliteDatabase& db, const std::string& name,
                                                                 SchemaPtr schema) {
  std::unique_ptr<SqliteBatchTable> table(new SqliteBatchTable(std::move(schema)));
  LEAT_TRY(db.add_module(name, Calls::module(), table.get()));
  return table;
}

void SqliteBatchTable::show(const RecordBatch& batch, size_t first, size_t count, int64_t part, int64_t row) {
  batch_ = &batch;
  first_ = first;
  end_ = first + count;
  part_ = part;
  row_ = row;
}

void SqliteBatchTable::put_cell(sqlite3_context* into, size_t row, size_t column) {
  const size_t width = schema_->fields.size();
  if (column >= width) {
    const int64_t own[] = {part_, static_cast<int64_t>(batch_->origin_of(row).offset),
                           row_ + static_cast<int64_t>(row - first_)};
    return sqlite3_result_int64(into, own[column - width]);
  }
  if (batch_->is_null(column, row)) return;
  const Field& field = schema_->fields[column];
  switch (field.type) {
    case Type::boolean:
    case Type::integer:
      return sqlite3_result_int64(into, batch_->integer(column, row));
    case Type::real:
      return sqlite3_result_double(into, batch_->real(column, row));
    case Type::time: {
      const std::string_view text = time_.format(batch_->integer(column, row));
      return sqlite3_result_text64(into, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    case Type::text:
    case Type::json:
      break;
  }
  // The arena stays as it is until the statement ends.
  const std::string_view text = batch_->text(column, row);
  if (field.bytes && !is_plain_text(text)) {
    sqlite3_result_blob64(into, text.data(), text.size(), SQLITE_STATIC);
  } else {
    // a null pointer would be NULL
    sqlite3_result_text64(into, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
}

}  // namespace leat
