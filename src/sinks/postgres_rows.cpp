#include "sinks/postgres_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "db/sql.h"
#include "sinks/mend_choice.h"
#include "sinks/postgres_keyed_rows.h"

namespace leat {
namespace {

constexpr size_t kReadRows = 4096;
constexpr size_t kReadBytes = 1024 * 1024;
constexpr size_t kPieceBytes = 256 * 1024;  // of COPY
constexpr size_t kNameBytes = 63;
constexpr size_t kTableBytes = 50;  // so that next_table() is a name as well

Status store_columns(const PostgresDatabase& db, const std::string& pipeline, const Schema& schema, size_t from) {
  for (size_t i = from; i < schema.fields.size(); ++i) {
    const Field& field = schema.fields[i];
    LEAT_TRY(db.change("INSERT INTO _leat_columns VALUES($1, $2, $3, $4, $5::bigint <> 0)",
                       PostgresParameters::of(pipeline, static_cast<int64_t>(i), field.name, name_of(field.type),
                                              static_cast<int64_t>(field.bytes ? 1 : 0)))
                 .status()
                 .clone());
  }
  return {};
}

// The stored columns keep their places; what is new stands behind them.
Status widen(const PostgresDatabase& db, const std::string& pipeline, const std::string& table, const Schema& schema,
             const Schema& known, bool merge) {
  Schema all = known;
  std::vector<std::string> tables = {table};
  if (merge) tables.push_back(postgres_before_table(table));
  for (const Field& field : schema.fields) {
    const std::optional<size_t> at = known.find(field.name);
    if (!at) {
      for (const std::string& name : tables) {
        LEAT_TRY(db.execute(fmt::format("ALTER TABLE {} ADD COLUMN {} {}", sql_name(name), sql_name(field.name),
                                        postgres_storage(field.type, field.bytes))));
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

Status make_merge_tables(const PostgresDatabase& db, const std::string& table, const char* index) {
  LEAT_TRY(db.execute(
      fmt::format("CREATE {} {} ON {}(_revision)", index, sql_name(postgres_revision_index(table)), sql_name(table))));
  return db.execute(fmt::format("CREATE TABLE {}(LIKE {})", sql_name(postgres_before_table(table)), sql_name(table)));
}

// A table that a user has made, to have it partitioned or elsewhere: empty, with all columns that leat would make.
Status take_over(const PostgresDatabase& db, const std::string& table, const Schema& schema, bool merge) {
  const auto refuse = [&](const std::string& why) {
    return Status::bad_config(
        fmt::format("{}: there is a table {} that leat has not made, and {}; name another one (--table), or make it as "
                    "docs/sinks/postgres.md says",
                    db.where(), quoted(table), why));
  };
  std::vector<std::pair<std::string, std::string>> wanted;
  for (const Field& field : schema.fields) {
    const std::string type = postgres_storage(field.type, field.bytes);
    wanted.emplace_back(field.name, type.substr(0, type.find(" COLLATE")));
  }
  for (const char* own : {"_part", "_offset", "_row"}) wanted.emplace_back(own, "bigint");
  if (merge) wanted.emplace_back("_revision", "bigint");
  for (const auto& [name, type] : wanted) {
    LEAT_ASSIGN(PostgresRows rows,
                db.query("SELECT atttypid = $3::regtype FROM pg_attribute WHERE attrelid = to_regclass($1) AND "
                         "attname = $2 AND NOT attisdropped",
                         PostgresParameters::of(sql_name(db.schema()) + "." + sql_name(table), name, type)));
    LEAT_ASSIGN(const bool found, rows.step());
    if (!found) return refuse(fmt::format("it has no column {} of type {}", quoted(name), type));
    if (rows.integer(0) == 0) return refuse(fmt::format("its column {} is not of type {}", quoted(name), type));
  }
  LEAT_ASSIGN(const int64_t rows, db.query_integer(fmt::format("SELECT 1 FROM {} LIMIT 1", sql_name(table))));
  if (rows != 0) return refuse("it has rows");
  LEAT_TRY(db.execute(fmt::format("CREATE INDEX {} ON {}(_row)", sql_name(postgres_short_name("_leat_row_" + table)),
                                  sql_name(table))));
  // Of a partitioned table nothing is unique but what holds the columns that it is partitioned by.
  return merge ? make_merge_tables(db, table, "INDEX") : Status();
}

}  // namespace

std::string postgres_storage(Type type, bool bytes) {
  switch (type) {
    case Type::boolean:
      return "boolean";
    case Type::integer:
      return "bigint";
    case Type::real:
      return "double precision";
    case Type::time:
      return "timestamptz";
    case Type::json:
      return "json";
    case Type::text:
      break;
  }
  return bytes ? "bytea" : "text COLLATE \"C\"";
}

PostgresType postgres_type(Type type, bool bytes) {
  switch (type) {
    case Type::boolean:
      return PostgresType::boolean;
    case Type::integer:
      return PostgresType::int8;
    case Type::real:
      return PostgresType::float8;
    case Type::time:
      return PostgresType::timestamptz;
    case Type::json:
      return PostgresType::json;
    case Type::text:
      break;
  }
  return bytes ? PostgresType::bytea : PostgresType::text;
}

const char* postgres_array(PostgresType type) {
  switch (type) {
    case PostgresType::boolean:
      return "boolean[]";
    case PostgresType::bytea:
      return "bytea[]";
    case PostgresType::float8:
      return "double precision[]";
    case PostgresType::timestamptz:
      return "timestamptz[]";
    case PostgresType::text:
    case PostgresType::json:
      return "text[]";
    default:
      return "bigint[]";
  }
}

std::string_view postgres_text(std::string_view text, std::string& made) {
  if (is_plain_text(text)) return text;
  made.clear();
  while (!text.empty()) {
    const size_t length = text.front() == 0 ? 0 : utf8_sequence(text);
    if (length == 0) made += fmt::format("\\x{:02X}", static_cast<unsigned char>(text.front()));
    made += text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return made;
}

Status check_postgres_table(const std::string& where, const std::string& table) {
  if (!table.empty() && !table.starts_with("_leat_") && !table.starts_with("pg_") && table.size() <= kTableBytes) {
    return {};
  }
  return Status::bad_config(
      fmt::format("{}: a table cannot be named {} (at most {} bytes, not _leat_… or pg_…); name "
                  "another one (--table)",
                  where, quoted(table), kTableBytes));
}

Status check_postgres_column(const std::string& where, const std::string& table, const std::string& column) {
  constexpr std::array<std::string_view, 10> kTaken{"_part", "_offset", "_row", "_revision", "tableoid",
                                                    "xmin",  "cmin",    "xmax", "cmax",      "ctid"};
  if (std::find(kTaken.begin(), kTaken.end(), column) != kTaken.end()) {
    return Status::bad_config(
        fmt::format("{}: table {}: column {} has a name that leat or PostgreSQL keeps for itself; rename it", where,
                    quoted(table), quoted(column)));
  }
  if (column.size() <= kNameBytes) return {};
  return Status::bad_config(
      fmt::format("{}: table {}: the name of column {} is longer than PostgreSQL's {} bytes; rename it", where,
                  quoted(table), quoted(column), kNameBytes));
}

Status make_postgres_rows(const PostgresDatabase& db, const std::string& pipeline, const std::string& table,
                          const Schema& schema, const Schema& known, bool merge) {
  for (const Field& field : schema.fields) LEAT_TRY(check_postgres_column(db.where(), table, field.name));
  LEAT_ASSIGN(const bool there, db.has_table(table));
  if (!known.fields.empty()) {
    if (there) return widen(db, pipeline, table, schema, known, merge);
    return table_is_gone(db.where(), table, pipeline);
  }
  if (there) {
    LEAT_TRY(take_over(db, table, schema, merge));
    return store_columns(db, pipeline, schema, 0);
  }
  std::string columns;
  for (const Field& field : schema.fields) {
    columns += fmt::format("{} {}, ", sql_name(field.name), postgres_storage(field.type, field.bytes));
  }
  LEAT_TRY(
      db.execute(fmt::format("CREATE TABLE {}({}_part bigint NOT NULL, _offset bigint NOT NULL, "
                             "_row bigint PRIMARY KEY{})",
                             sql_name(table), columns, merge ? ", _revision bigint NOT NULL" : "")));
  if (merge) {
    LEAT_TRY(db.execute(fmt::format("CREATE UNIQUE INDEX {} ON {}(_revision)", sql_name(postgres_revision_index(table)),
                                    sql_name(table))));
    LEAT_TRY(
        db.execute(fmt::format("CREATE TABLE {}(LIKE {})", sql_name(postgres_before_table(table)), sql_name(table))));
  }
  return store_columns(db, pipeline, schema, 0);
}

PostgresCopy::PostgresCopy(const PostgresDatabase& db, const std::string& table, SchemaPtr schema)
    : db_(&db), schema_(std::move(schema)) {
  std::string names;
  for (const Field& field : schema_->fields) names += sql_name(field.name) + ", ";
  sql_ = fmt::format("COPY {}({}_part, _offset, _row) FROM STDIN (FORMAT binary)", sql_name(table), names);
}

void PostgresCopy::put(const RecordBatch& batch, size_t row, size_t column) {
  if (batch.is_null(column, row)) return bytes_.put_null();
  const Field& field = schema_->fields[column];
  switch (field.type) {
    case Type::boolean:
      return bytes_.put_boolean(batch.cell(column, row) != 0);
    case Type::integer:
      return bytes_.put_integer(batch.integer(column, row));
    case Type::real: {
      const double value = batch.real(column, row);
      return std::isnan(value) ? bytes_.put_null() : bytes_.put_real(value);
    }
    case Type::time:
      return bytes_.put_time(batch.integer(column, row));
    case Type::text:
    case Type::json:
      break;
  }
  const std::string_view text = batch.text(column, row);
  bytes_.put_bytes(field.bytes ? text : postgres_text(text, made_));
}

Status PostgresCopy::insert(const RecordBatch& batch, size_t first, size_t count, int64_t part, int64_t row) {
  if (count == 0) return {};
  if (!db_->copying()) LEAT_TRY(db_->copy_begin(sql_));
  const size_t width = schema_->fields.size();
  bytes_.clear();
  for (size_t r = first; r < first + count; ++r) {
    bytes_.put16(static_cast<uint16_t>(width + 3));
    for (size_t c = 0; c < width; ++c) put(batch, r, c);
    bytes_.put_integer(part);
    bytes_.put_integer(static_cast<int64_t>(batch.origin_of(r).offset));
    bytes_.put_integer(row++);
    if (bytes_.size() < kPieceBytes && r + 1 < first + count) continue;
    LEAT_TRY(db_->copy_piece(bytes_.bytes()));
    bytes_.clear();
  }
  return {};
}

Result<std::unique_ptr<PostgresReader>> PostgresReader::make(const PostgresDatabase& db, const std::string& table,
                                                             SchemaPtr schema, std::vector<size_t> columns,
                                                             const std::string& where,
                                                             const std::vector<int64_t>& parameters) {
  std::string names;
  for (const size_t column : columns) names += ", " + sql_name(schema->fields[column].name);
  const std::string sql = fmt::format("SELECT _offset{} FROM {}{}{} ORDER BY _row", names, sql_name(table),
                                      where.empty() ? "" : " WHERE ", where);
  PostgresParameters values;
  for (const int64_t value : parameters) values.add(value);
  std::unique_ptr<PostgresReader> reader(new PostgresReader(std::move(schema), std::move(columns)));
  LEAT_ASSIGN(reader->rows_, db.cursor(sql, values));
  return reader;
}

Result<RecordBatch> PostgresReader::next() {
  RecordBatch batch(schema_);
  while (!ended_ && batch.rows() < kReadRows && batch.arena.size() < kReadBytes) {
    LEAT_ASSIGN(const bool found, rows_.step());
    if (!found) {
      ended_ = true;
      break;
    }
    const size_t row = batch.add_row({.offset = rows_.number(0), .line = 0, .raw = 0});
    for (size_t i = 0; i < columns_.size(); ++i) {
      const int at = static_cast<int>(i) + 1;
      const size_t column = columns_[i];
      if (rows_.is_null(at)) continue;
      const Type type = schema_->fields[column].type;
      if (type == Type::text || type == Type::json) {
        batch.set_new_text(column, row, rows_.text(at));
      } else {
        batch.set_integer(column, row, type == Type::time ? rows_.time(at) : rows_.integer(at));
      }
    }
  }
  return batch;
}

}  // namespace leat
