#include "sinks/sqlite_rows.h"

#include <fmt/format.h>

#include <optional>
#include <unordered_set>

#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

constexpr size_t kReadRows = 4096;
constexpr size_t kReadBytes = 1024 * 1024;

Status check_names(const std::string& where, const std::string& table, const Schema& schema) {
  std::unordered_set<std::string> seen = {"_part", "_offset", "_row"};
  for (const Field& field : schema.fields) {
    const std::string name = lower_case(field.name);
    if (seen.insert(name).second) continue;
    if (name.starts_with('_')) {
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
             const Schema& known) {
  Schema all = known;
  for (const Field& field : schema.fields) {
    const std::optional<size_t> at = known.find(field.name);
    if (!at) {
      LEAT_TRY(db.execute(fmt::format("ALTER TABLE {} ADD COLUMN {} {}", sql_name(table), sql_name(field.name),
                                      sqlite_storage(field.type))));
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

std::string lower_case(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

std::string_view TimeText::format(int64_t micros) {
  constexpr size_t kDay = 10;    // "YYYY-MM-DD"
  constexpr size_t kWhole = 19;  // "YYYY-MM-DD HH:MM:SS"
  const int64_t day = floor_div(micros, kSecondsPerDay * kMicrosPerSecond);
  const int64_t rest = micros - day * kSecondsPerDay * kMicrosPerSecond;
  if (day != day_ || rest % kMicrosPerSecond != 0 || text_.size() != kWhole) {
    text_ = format_time(micros);
    day_ = day;
    return text_;
  }
  const auto two_digits = [this](size_t at, int64_t number) {
    text_[at] = static_cast<char>('0' + number / 10);
    text_[at + 1] = static_cast<char>('0' + number % 10);
  };
  const int64_t seconds = rest / kMicrosPerSecond;
  two_digits(kDay + 1, seconds / 3600);
  two_digits(kDay + 4, seconds / 60 % 60);
  two_digits(kDay + 7, seconds % 60);
  return text_;
}

Status make_row_table(const SqliteDatabase& db, const std::string& pipeline, const std::string& table,
                      const Schema& schema, const Schema& known) {
  const std::string name = lower_case(table);
  if (name.empty() || name.starts_with("_leat_") || name.starts_with("sqlite_")) {
    return Status::bad_config(
        fmt::format("{}: a table cannot be named {}; name another one (--table)", db.where(), quoted(table)));
  }
  LEAT_TRY(check_names(db.where(), table, schema));
  LEAT_ASSIGN(const bool there, db.has_table(table));
  if (!known.fields.empty()) {
    if (there) return widen(db, pipeline, table, schema, known);
    return Status::fatal(
        fmt::format("{}: table {} is gone, though pipeline {} has filled it; put it back, or name "
                    "another file",
                    db.where(), quoted(table), quoted(pipeline)));
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
      db.execute(fmt::format("CREATE TABLE {}({}_part INTEGER NOT NULL, _offset INTEGER NOT NULL, "
                             "_row INTEGER PRIMARY KEY)",
                             sql_name(table), columns)));
  return store_columns(db, pipeline, schema, 0);
}

Result<std::unique_ptr<RowWriter>> RowWriter::make(const SqliteDatabase& db, const std::string& table,
                                                   SchemaPtr schema) {
  std::string names;
  std::string marks;
  for (const Field& field : schema->fields) {
    names += sql_name(field.name) + ", ";
    marks += "?, ";
  }
  const std::string sql =
      fmt::format("INSERT INTO {}({}_part, _offset, _row) VALUES({}?, ?, ?)", sql_name(table), names, marks);
  std::unique_ptr<RowWriter> writer(new RowWriter(db, std::move(schema)));
  writer->times_.resize(writer->schema_->fields.size());
  LEAT_ASSIGN(writer->insert_, db.prepare(sql));
  return writer;
}

Status RowWriter::insert(const RecordBatch& batch, size_t first, size_t count, int64_t part, int64_t row) {
  const std::vector<Field>& fields = schema_->fields;
  const size_t width = fields.size();
  for (size_t r = first; r < first + count; ++r) {
    for (size_t c = 0; c < width; ++c) {
      const int at = static_cast<int>(c) + 1;
      if (batch.is_null(c, r)) {
        insert_.bind_null(at);
        continue;
      }
      switch (fields[c].type) {
        case Type::boolean:
        case Type::integer:
          insert_.bind(at, batch.integer(c, r));
          break;
        case Type::real:
          insert_.bind(at, batch.real(c, r));
          break;
        case Type::time:
          insert_.bind(at, times_[c].format(batch.integer(c, r)));
          break;
        case Type::text:
        case Type::json:
          if (fields[c].bytes) {
            insert_.bind_bytes(at, batch.text(c, r));
          } else {
            insert_.bind(at, batch.text(c, r));
          }
          break;
      }
    }
    const int at = static_cast<int>(width);
    insert_.bind(at + 1, part);
    insert_.bind(at + 2, batch.origin_of(r).offset);
    insert_.bind(at + 3, row++);
    const int code = insert_.step_code();
    if (code != SQLITE_DONE) {
      Status failed = db_->failure(code);
      insert_.reset();
      return failed;
    }
    insert_.reset();
  }
  return {};
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

void RowReader::take_cell(RecordBatch& batch, size_t row, size_t column, int at) const {
  if (select_.is_null(at)) return;
  switch (schema_->fields[column].type) {
    case Type::boolean:
    case Type::integer:
      batch.set_integer(column, row, select_.integer(at));
      break;
    case Type::real:
      batch.set_real(column, row, select_.real(at));
      break;
    case Type::time: {
      const std::string_view text = select_.text(at);
      int64_t micros = 0;
      if (parse_time(text.data(), text.size(), &micros)) batch.set_integer(column, row, micros);
      break;
    }
    case Type::text:
    case Type::json:
      batch.set_new_text(column, row, select_.text(at));
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
    for (size_t i = 0; i < columns_.size(); ++i) take_cell(batch, row, columns_[i], static_cast<int>(i) + 1);
  }
  return batch;
}

}  // namespace leat
