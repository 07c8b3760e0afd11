#include "sinks/sqlite_rows.h"

#include <fmt/format.h>

#include <optional>
#include <unordered_set>

#include "base/text.h"
#include "base/time.h"
#include "data/column_names.h"
#include "db/leat_database.h"
#include "sinks/mend_choice.h"

namespace leat {
namespace {

constexpr size_t kReadRows = 4096;
constexpr size_t kReadBytes = 1024 * 1024;

Status check_names(const std::string& where, const std::string& table, const Schema& schema) {
  std::unordered_set<std::string> seen;
  for (const Field& field : schema.fields) {
    const std::string name = lower_case(field.name);
    const bool reserved = name != "raw_log" && is_reserved_column(name);
    if (seen.insert(name).second && !reserved) continue;
    if (reserved) {
      return Status::bad_config(fmt::format("{}: table {}: column {} has a name that leat keeps for itself; rename it",
                                            where, quoted(table), quoted(field.name)));
    }
    return Status::bad_config(fmt::format("{}: table {}: two columns are named {} (SQLite ignores case); rename one",
                                          where, quoted(table), quoted(field.name)));
  }
  return {};
}

Status store_columns(const SqliteDatabase& db, const std::string& pipeline, const Schema& schema, size_t from) {
  LEAT_ASSIGN(SqliteStatement insert, db.prepare("INSERT INTO _leat_columns VALUES(?, ?, ?, ?, ?)"));
  for (size_t i = from; i < schema.fields.size(); ++i) {
    const Field& field = schema.fields[i];
    LEAT_TRY(insert
                 .with(std::string_view(pipeline), static_cast<int64_t>(i), std::string_view(field.name),
                       std::string_view(name_of(field.type)), static_cast<int64_t>(field.bytes ? 1 : 0))
                 .run());
  }
  return {};
}

// The stored columns keep their places; what is new stands behind them.
Status widen(const SqliteDatabase& db, const std::string& pipeline, const std::string& table, const Schema& schema,
             const Schema& known, bool merge) {
  Schema all = known;
  std::vector<std::string> tables = {table};
  if (merge) tables.push_back(before_table(table));
  for (const Field& field : schema.fields) {
    const std::optional<size_t> at = known.find(field.name);
    if (!at) {
      for (const std::string& name : tables) {
        LEAT_TRY(db.execute(fmt::format("ALTER TABLE {} ADD COLUMN {} {}", sql_name(name), sql_name(field.name),
                                        sqlite_storage(field.type))));
      }
      all.fields.push_back(field);
    } else if (known.fields[*at].type != field.type) {
      return Status::bad_config(
          fmt::format("{}: table {}: column {} holds {}, now it would be {}; name another table (--table)", db.where(),
                      quoted(table), quoted(field.name), name_of(known.fields[*at].type), name_of(field.type)));
    }
  }
  return store_columns(db, pipeline, all, known.fields.size());
}

}  // namespace

const char* sqlite_storage(Type type) {
  switch (type) {
    case Type::boolean:
    case Type::integer:
      return "INTEGER";
    case Type::real:
      return "REAL";
    case Type::text:
    case Type::time:
    case Type::json:
      break;
  }
  return "TEXT";
}

std::string before_table(const std::string& table) {
  return "_leat_before_" + table;
}

Status check_table_name(const std::string& where, const std::string& table) {
  const std::string name = lower_case(table);
  if (!name.empty() && !name.starts_with("_leat_") && !name.starts_with("sqlite_")) return {};
  return Status::bad_config(
      fmt::format("{}: a table cannot be named {}; name another one (--table)", where, quoted(table)));
}

Status make_row_table(const SqliteDatabase& db, const std::string& pipeline, const std::string& table,
                      const Schema& schema, const Schema& known, bool merge) {
  LEAT_TRY(check_names(db.where(), table, schema));
  LEAT_ASSIGN(const bool there, db.has_table(table));
  if (!known.fields.empty()) {
    if (there) return widen(db, pipeline, table, schema, known, merge);
    return table_is_gone(db.where(), table, pipeline);
  }
  if (there) {
    return Status::bad_config(fmt::format("{}: there is a table {} that leat has not made; name another one (--table)",
                                          db.where(), quoted(table)));
  }
  std::string columns;
  for (const Field& field : schema.fields) {
    columns += fmt::format("{} {}, ", sql_name(field.name), sqlite_storage(field.type));
  }
  LEAT_TRY(
      db.execute(fmt::format("CREATE TABLE {}({}_part INTEGER NOT NULL, _offset INTEGER NOT NULL, {}"
                             "_row INTEGER PRIMARY KEY)",
                             sql_name(table), columns, merge ? "_revision INTEGER NOT NULL, " : "")));
  if (merge) {
    LEAT_TRY(db.execute(
        fmt::format("CREATE UNIQUE INDEX {} ON {}(_revision)", sql_name("_leat_revision_" + table), sql_name(table))));
    LEAT_TRY(
        db.execute(fmt::format("CREATE TABLE {} AS SELECT * FROM {}", sql_name(before_table(table)), sql_name(table))));
  }
  return store_columns(db, pipeline, schema, 0);
}

Status keep_sqlite_columns(const SqliteDatabase& db, const std::string& pipeline, const Schema& schema) {
  LEAT_ASSIGN(const Schema known, read_sqlite_schema(db, pipeline));
  Schema all = known;
  for (const Field& field : schema.fields) {
    if (!known.find(field.name)) all.fields.push_back(field);
  }
  return store_columns(db, pipeline, all, known.fields.size());
}

Result<std::unique_ptr<RowWriter>> RowWriter::make(const SqliteDatabase& db, const std::string& table,
                                                   SchemaPtr schema) {
  const std::string from = "_leat_batch_" + table;
  std::string names;
  for (const Field& field : schema->fields) names += sql_name(field.name) + ", ";
  const std::string sql =
      fmt::format("INSERT INTO {}({}_part, _offset, _row) SELECT * FROM {}", sql_name(table), names, sql_name(from));
  std::unique_ptr<RowWriter> writer(new RowWriter());
  LEAT_ASSIGN(writer->batch_, SqliteBatchTable::make(db, from, std::move(schema)));
  LEAT_ASSIGN(writer->insert_, db.prepare(sql));
  return writer;
}

void CellBinder::bind(SqliteStatement& statement, int at, const RecordBatch& batch, size_t row, size_t column) {
  if (batch.is_null(column, row)) return statement.bind_null(at);
  const Field& field = schema_->fields[column];
  switch (field.type) {
    case Type::boolean:
    case Type::integer:
      return statement.bind(at, batch.integer(column, row));
    case Type::real:
      return statement.bind(at, batch.real(column, row));
    case Type::time:
      return statement.bind(at, times_[column].format(batch.integer(column, row)));
    case Type::text:
    case Type::json:
      break;
  }
  if (field.bytes) {
    statement.bind_bytes(at, batch.text(column, row));
  } else {
    statement.bind(at, batch.text(column, row));
  }
}

Status RowWriter::insert(const RecordBatch& batch, size_t first, size_t count, int64_t part, int64_t row) {
  batch_->show(batch, first, count, part, row);
  return insert_.run();
}

Result<std::unique_ptr<RowReader>> RowReader::make(const SqliteDatabase& db, const std::string& table, SchemaPtr schema,
                                                   std::vector<size_t> columns, const std::string& where,
                                                   const std::vector<int64_t>& parameters) {
  std::string names;
  for (const size_t column : columns) names += ", " + sql_name(schema->fields[column].name);
  const std::string sql = fmt::format("SELECT _offset{} FROM {}{}{} ORDER BY _row", names, sql_name(table),
                                      where.empty() ? "" : " WHERE ", where);
  std::unique_ptr<RowReader> reader(new RowReader(std::move(schema), std::move(columns)));
  LEAT_ASSIGN(reader->select_, db.prepare(sql));
  for (size_t i = 0; i < parameters.size(); ++i) reader->select_.bind(static_cast<int>(i) + 1, parameters[i]);
  return reader;
}

void read_cell(const SqliteStatement& from, int at, RecordBatch& batch, size_t row, size_t column) {
  if (from.is_null(at)) return;
  switch (batch.schema().fields[column].type) {
    case Type::boolean:
    case Type::integer:
      batch.set_integer(column, row, from.integer(at));
      break;
    case Type::real:
      batch.set_real(column, row, from.real(at));
      break;
    case Type::time: {
      const std::string_view text = from.text(at);
      int64_t micros = 0;
      if (parse_time(text.data(), text.size(), &micros)) batch.set_integer(column, row, micros);
      break;
    }
    case Type::text:
    case Type::json:
      batch.set_new_text(column, row, from.text(at));
      break;
  }
}

Result<RecordBatch> RowReader::next() {
  RecordBatch batch(schema_);
  while (!ended_ && batch.rows() < kReadRows && batch.arena.size() < kReadBytes) {
    LEAT_ASSIGN(const bool found, select_.step());
    if (!found) {
      ended_ = true;
      break;
    }
    const size_t row = batch.add_row({.offset = select_.number(0), .line = 0, .raw = 0});
    for (size_t i = 0; i < columns_.size(); ++i) read_cell(select_, static_cast<int>(i) + 1, batch, row, columns_[i]);
  }
  return batch;
}

}  // namespace leat
