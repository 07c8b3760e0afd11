#include "sinks/duckdb_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "db/sql.h"
#include "sinks/mend_choice.h"

namespace leat {
namespace {

constexpr int64_t kReadRows = 16 * 1024;
// DuckDB itself would keep 204,800 of them, outside of its limit of memory.
constexpr size_t kFlushRows = 16 * 1024;
constexpr std::array<std::string_view, 5> kTaken{"_part", "_offset", "_row", "_revision", "rowid"};

Status store_columns(const DuckDb& db, const std::string& pipeline, const Schema& schema, size_t from) {
  for (size_t i = from; i < schema.fields.size(); ++i) {
    const Field& field = schema.fields[i];
    LEAT_TRY(db.change("INSERT INTO _leat_columns VALUES($1, $2, $3, $4, $5::bigint <> 0)", pipeline,
                       static_cast<int64_t>(i), field.name, name_of(field.type),
                       static_cast<int64_t>(field.bytes ? 1 : 0))
                 .status()
                 .clone());
  }
  return {};
}

// The stored columns keep their places; what is new stands behind them.
// Raw records are long, and no two of them the same: DuckDB would look for a dictionary in vain, and take FSST, which
// is slower and leaves twice as much.
std::string column_of(const DuckDb& db, const Field& field) {
  return fmt::format("{} {}{}", sql_name(field.name), duckdb_type_name(field.type, field.bytes),
                     field.bytes && db.has_zstd() ? " USING COMPRESSION zstd" : "");
}

Status widen(const DuckDb& db, const std::string& pipeline, const std::string& table, const Schema& schema,
             const Schema& known, bool merge) {
  Schema all = known;
  std::vector<std::string> tables = {table};
  if (merge) tables.push_back(duckdb_before_table(table));
  for (const Field& field : schema.fields) {
    const std::optional<size_t> at = known.find(field.name);
    if (!at) {
      for (const std::string& each : tables) {
        LEAT_TRY(db.execute(fmt::format("ALTER TABLE {} ADD COLUMN {}", sql_name(each), column_of(db, field))));
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

// Adds `from + 0, 1, 2 …`.
void count_up(int64_t* cells, size_t count, int64_t from) {
  for (size_t i = 0; i < count; ++i) cells[i] = from + static_cast<int64_t>(i);
}

// What was selected: _offset, then `columns`.
Status read_into(RecordBatch& batch, DuckDbRows& rows, const std::vector<size_t>& columns) {
  for (;;) {
    LEAT_ASSIGN(const bool found, rows.step());
    if (!found) return {};
    const size_t row = batch.add_row({.offset = rows.number(0), .line = 0, .raw = 0});
    for (size_t i = 0; i < columns.size(); ++i) {
      const int at = static_cast<int>(i) + 1;
      if (rows.is_null(at)) continue;
      const Type type = batch.schema().fields[columns[i]].type;
      if (type == Type::text || type == Type::json) {
        batch.set_new_text(columns[i], row, rows.text(at));
      } else if (type == Type::real) {
        batch.set_real(columns[i], row, rows.real(at));
      } else {
        batch.set_integer(columns[i], row, rows.integer(at));
      }
    }
  }
}

std::string selected(const Schema& schema, const std::vector<size_t>& columns) {
  std::string names = "_offset";
  for (const size_t column : columns) names += ", " + sql_name(schema.fields[column].name);
  return names;
}

}  // namespace

std::string_view duckdb_text(std::string_view text, std::string& made) {
  const auto is_utf8 = [](std::string_view rest) {
    while (!rest.empty()) {
      const size_t length = utf8_sequence(rest);
      if (length == 0) return false;
      rest.remove_prefix(length);
    }
    return true;
  };
  if (is_utf8(text)) return text;
  made.clear();
  while (!text.empty()) {
    const size_t length = utf8_sequence(text);
    if (length == 0) made += fmt::format("\\x{:02X}", static_cast<unsigned char>(text.front()));
    made += text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return made;
}

std::string duckdb_before_table(const std::string& table) {
  return "_leat_before_" + table;
}

Status check_duckdb_table(const std::string& where, const std::string& table) {
  if (!table.empty() && !table.starts_with("_leat_")) return {};
  return Status::bad_config(
      fmt::format("{}: a table cannot be named {}; name another one (--table)", where, quoted(table)));
}

Status make_duckdb_rows(const DuckDb& db, const std::string& pipeline, const std::string& table, const Schema& schema,
                        const Schema& known, bool merge) {
  for (const Field& field : schema.fields) {
    if (std::find(kTaken.begin(), kTaken.end(), field.name) == kTaken.end()) continue;
    return Status::bad_config(fmt::format("{}: table {}: column {} has a name that leat keeps for itself; rename it",
                                          db.where(), quoted(table), quoted(field.name)));
  }
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
    columns += column_of(db, field) + ", ";
  }
  LEAT_TRY(
      db.execute(fmt::format("CREATE TABLE {}({}_part BIGINT NOT NULL, _offset BIGINT NOT NULL, "
                             "_row BIGINT NOT NULL{})",
                             sql_name(table), columns, merge ? ", _revision BIGINT NOT NULL" : "")));
  if (merge) {
    LEAT_TRY(
        db.execute(fmt::format("CREATE TABLE {} AS FROM {}", sql_name(duckdb_before_table(table)), sql_name(table))));
  }
  return store_columns(db, pipeline, schema, 0);
}

Result<std::unique_ptr<DuckDbRowAppender>> DuckDbRowAppender::make(const DuckDb& db, const std::string& table,
                                                                   SchemaPtr schema) {
  std::unique_ptr<DuckDbRowAppender> made(new DuckDbRowAppender(db, table, std::move(schema)));
  LEAT_ASSIGN(DuckDbRows rows, db.query("SELECT column_name FROM duckdb_columns() WHERE database_name = "
                                        "current_database() AND schema_name = 'main' AND table_name = $1 ORDER BY "
                                        "column_index",
                                        table));
  made->places_.resize(made->schema_->fields.size());
  for (size_t at = 0;; ++at) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return made;
    const std::string name = rows.string(0);
    if (const std::optional<size_t> column = made->schema_->find(name)) {
      made->places_[*column] = at;
    } else if (name == "_part") {
      made->part_ = at;
    } else if (name == "_offset") {
      made->offset_ = at;
    } else if (name == "_row") {
      made->row_ = at;
    } else if (name == "_revision") {
      made->revision_ = at;
    } else {
      made->others_.push_back(at);
    }
  }
}

void put_duckdb_cells(DuckDbCells& into, size_t place, const RecordBatch& batch, size_t column, size_t first,
                      size_t count) {
  const Field& field = batch.schema().fields[column];
  const uint64_t* from = batch.cells(column) + first;
  switch (field.type) {
    case Type::boolean: {
      bool* to = into.cells<bool>(place);
      for (size_t i = 0; i < count; ++i) to[i] = from[i] != 0;
      break;
    }
    case Type::integer:
    case Type::real:
    case Type::time:
      std::copy_n(from, count, into.cells<uint64_t>(place));
      break;
    case Type::text:
    case Type::json:
      for (size_t i = 0; i < count; ++i) {
        if (!batch.is_null(column, first + i)) into.set_text(place, i, batch.text_of(from[i]));
      }
      break;
  }
  if (field.type == Type::real) {
    for (size_t i = 0; i < count; ++i) {
      if (std::isnan(batch.real(column, first + i))) into.set_null(place, i);
    }
  }
  const uint64_t* const valid = batch.validity(column);
  for (size_t i = 0; i < count; ++i) {
    const size_t row = first + i;
    if ((row & 63) == 0 && count - i >= 64 && valid[row >> 6] == UINT64_MAX) {
      i += 63;
    } else if ((valid[row >> 6] >> (row & 63) & 1U) == 0) {
      into.set_null(place, i);
    }
  }
}

Status DuckDbRowAppender::add(const RecordBatch& batch, size_t first, size_t count, int64_t part, int64_t row,
                              int64_t revision) {
  if (count == 0) return {};
  if (appender_ == nullptr) {
    LEAT_ASSIGN(appender_, DuckDbAppender::into(*db_, table_));
  }
  while (count > 0) {
    LEAT_TRY(appender_->make_room());
    const size_t some = std::min(count, appender_->room());
    for (size_t c = 0; c < places_.size(); ++c) put_duckdb_cells(*appender_, places_[c], batch, c, first, some);
    std::fill_n(appender_->cells<int64_t>(*part_), some, part);
    uint64_t* const offsets = appender_->cells<uint64_t>(*offset_);
    for (size_t i = 0; i < some; ++i) offsets[i] = batch.origin_of(first + i).offset;
    count_up(appender_->cells<int64_t>(*row_), some, row);
    if (revision_) count_up(appender_->cells<int64_t>(*revision_), some, revision);
    for (const size_t other : others_) {
      for (size_t i = 0; i < some; ++i) appender_->set_null(other, i);
    }
    appender_->add_rows(some);
    waiting_ += some;
    first += some;
    count -= some;
    row += static_cast<int64_t>(some);
    revision += static_cast<int64_t>(some);
  }
  return waiting_ < kFlushRows ? Status() : flush();
}

Status DuckDbRowAppender::flush() {
  waiting_ = 0;
  return appender_ == nullptr ? Status() : appender_->flush();
}

Result<RecordBatch> read_duckdb_rows(const DuckDb& db, const std::string& table, const SchemaPtr& schema,
                                     const std::vector<size_t>& columns, const std::string& where) {
  RecordBatch batch(schema);
  LEAT_ASSIGN(DuckDbRows rows,
              db.query(fmt::format("SELECT {} FROM {} WHERE {}", selected(*schema, columns), sql_name(table), where)));
  LEAT_TRY(read_into(batch, rows, columns));
  return batch;
}

Result<std::unique_ptr<DuckDbReader>> DuckDbReader::make(const DuckDb& db, const std::string& table, SchemaPtr schema,
                                                         std::vector<size_t> columns, std::string where, int64_t from,
                                                         int64_t to) {
  std::unique_ptr<DuckDbReader> reader(new DuckDbReader(db, std::move(schema), std::move(columns)));
  reader->sql_ =
      fmt::format("SELECT {} FROM {} WHERE _row >= $1 AND _row < $2{}{} ORDER BY _row",
                  selected(*reader->schema_, reader->columns_), sql_name(table), where.empty() ? "" : " AND ", where);
  LEAT_ASSIGN(DuckDbRows ends, db.query(fmt::format("SELECT min(_row), max(_row) FROM {}", sql_name(table))));
  LEAT_TRY(ends.step().status().clone());
  reader->from_ = std::max(from, ends.integer(0));
  reader->to_ = ends.is_null(0) ? 0 : std::min(to, ends.integer(1) + 1);
  return reader;
}

Result<RecordBatch> DuckDbReader::next() {
  RecordBatch batch(schema_);
  while (batch.rows() == 0 && from_ < to_) {
    const int64_t end = from_ + std::min(to_ - from_, kReadRows);
    LEAT_ASSIGN(DuckDbRows rows, db_->query(sql_, from_, end));
    from_ = end;
    LEAT_TRY(read_into(batch, rows, columns_));
  }
  return batch;
}

}  // namespace leat
