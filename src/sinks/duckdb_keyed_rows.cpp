#include "sinks/duckdb_keyed_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "db/sql.h"
#include "sinks/duckdb_layout.h"
#include "sinks/duckdb_rows.h"

namespace leat {
namespace {

constexpr const char* kStage = "_leat_stage";

}  // namespace

Status keep_duckdb_key(const DuckDb& db, const SinkPlan& plan) {
  LEAT_TRY(find_key(db.where(), plan).status().clone());
  LEAT_ASSIGN(const std::vector<std::string> there, read_duckdb_key(db, plan.table));
  if (!there.empty()) return check_key(db.where(), plan, there, "file");
  for (const std::string& column : plan.key) {
    LEAT_TRY(db.change("UPDATE _leat_pipelines SET key_columns = list_append(coalesce(key_columns, []), $2) WHERE "
                       "pipeline = $1",
                       plan.pipeline, column)
                 .status()
                 .clone());
  }
  return {};
}

Result<std::unique_ptr<DuckDbKeyedRows>> DuckDbKeyedRows::make(const DuckDb& db, const SinkPlan& plan) {
  std::unique_ptr<DuckDbKeyedRows> rows(new DuckDbKeyedRows(db, plan));
  LEAT_ASSIGN(rows->columns_, find_key(db.where(), plan));
  LEAT_ASSIGN(const Schema stored, read_duckdb_schema(db, plan.pipeline));
  for (const Field& field : stored.fields) rows->kept_ += sql_name(field.name) + ", ";
  rows->kept_ += "_part, _offset, _row, _revision";
  rows->prepare();
  return rows;
}

void DuckDbKeyedRows::prepare() {
  staged_ = columns_.key;
  if (columns_.newest && std::find(staged_.begin(), staged_.end(), *columns_.newest) == staged_.end()) {
    staged_.push_back(*columns_.newest);
  }
  std::string typed;
  for (size_t i = 0; i < staged_.size(); ++i) {
    const Field& field = schema_->fields[staged_[i]];
    typed += fmt::format("c{} {}, ", i, duckdb_type_name(field.type, field.bytes));
  }
  make_stage_ = fmt::format("CREATE OR REPLACE TEMP TABLE {}({}_n BIGINT)", kStage, typed);

  std::string key;
  std::string on;
  for (size_t i = 0; i < columns_.key.size(); ++i) {
    key += fmt::format("{}i.c{}", i == 0 ? "" : ", ", i);
    on += fmt::format("{}i.c{} = t.{}", i == 0 ? "" : " AND ", i, sql_name(schema_->fields[columns_.key[i]].name));
  }
  std::string stored = "NULL";
  std::string newest = "true";
  if (columns_.newest) {
    const auto at = std::find(staged_.begin(), staged_.end(), *columns_.newest) - staged_.begin();
    const char* cast = schema_->fields[*columns_.newest].type == Type::boolean ? "::INTEGER" : "";
    stored = fmt::format("t.{}{}", sql_name(schema_->fields[*columns_.newest].name), cast);
    const std::string value = fmt::format("i.c{}{}", at, cast);
    const std::string before = fmt::format("greatest(f.newest, max({}) OVER w)", value);
    newest = fmt::format("coalesce({} >= {}, {} IS NULL)", value, before, before);
  }
  look_ = fmt::format(
      "WITH found AS (SELECT i._n AS n, t._row AS row, t._part AS part, t._offset AS place, {} AS newest FROM {} AS t "
      "JOIN temp.{} AS i ON {}) "
      "SELECT min(i._n) OVER (PARTITION BY {}), f.row, f.part, f.place, {} FROM temp.{} AS i LEFT JOIN found AS f ON "
      "f.n = i._n WINDOW w AS (PARTITION BY {} ORDER BY i._n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) ORDER "
      "BY i._n",
      stored, sql_name(table_), kStage, on, key, newest, kStage, key);
}

Status DuckDbKeyedRows::stage(const RecordBatch& batch, const std::vector<size_t>& rows) const {
  LEAT_TRY(db_->execute(make_stage_));
  LEAT_ASSIGN(const auto into, DuckDbAppender::into(*db_, kStage));
  for (size_t n = 0; n < rows.size();) {
    LEAT_TRY(into->make_room());
    size_t end = n + 1;  // of a run of rows without a gap
    while (end < rows.size() && end - n < into->room() && rows[end] == rows[n] + (end - n)) ++end;
    for (size_t i = 0; i < staged_.size(); ++i) put_duckdb_cells(*into, i, batch, staged_[i], rows[n], end - n);
    for (size_t r = n; r < end; ++r) into->cells<uint64_t>(staged_.size())[r - n] = r;
    into->add_rows(end - n);
    n = end;
  }
  return into->flush();
}

Result<std::vector<StagedRow>> DuckDbKeyedRows::look(const RecordBatch& batch, const std::vector<size_t>& rows) {
  std::vector<StagedRow> all;
  if (rows.empty()) return all;
  LEAT_TRY(stage(batch, rows));
  LEAT_ASSIGN(DuckDbRows found, db_->query(look_));
  for (;;) {
    LEAT_ASSIGN(const bool row, found.step());
    if (!row) break;
    StagedRow& staged = all.emplace_back();
    staged.first = found.number(0);
    if (!found.is_null(1)) staged.was = KeyedPlace{found.integer(1), found.integer(2), found.number(3)};
    staged.is_newest = found.integer(4) != 0;
  }
  if (all.size() == rows.size()) return all;
  return Status::fatal(
      fmt::format("{}: table {} has rows with the same key, though leat has written one for each; see `leat verify`",
                  db_->where(), quoted(table_)));
}

Result<std::string> DuckDbKeyedRows::name(const std::vector<int64_t>& rows) const {
  LEAT_TRY(db_->execute("CREATE OR REPLACE TEMP TABLE _leat_named(row BIGINT)"));
  LEAT_ASSIGN(const auto into, DuckDbAppender::into(*db_, "_leat_named"));
  for (const int64_t row : rows) LEAT_TRY(into->add(std::vector<DuckDbValue>{row}));
  LEAT_TRY(into->flush());
  return std::string("_row IN (SELECT row FROM temp._leat_named)");
}

Status DuckDbKeyedRows::mark_seen(const std::vector<int64_t>& rows, int64_t& next_row) const {
  if (rows.empty()) return {};
  std::map<int64_t, int64_t> revisions;
  for (const int64_t row : rows) revisions[row] = next_row++;
  LEAT_ASSIGN(
      const auto into,
      DuckDbAppender::query(*db_,
                            fmt::format("UPDATE {} AS t SET _revision = b.revision FROM rows AS b WHERE t._row = b.row",
                                        sql_name(table_)),
                            {{"row", Type::integer}, {"revision", Type::integer}}));
  for (const auto& [row, revision] : revisions) LEAT_TRY(into->add(std::vector<DuckDbValue>{row, revision}));
  return into->flush();
}

Status DuckDbKeyedRows::keep(int64_t row) const {
  return db_->execute(fmt::format("INSERT INTO {0}({1}) SELECT {1} FROM {2} WHERE _row = {3}",
                                  sql_name(duckdb_before_table(table_)), kept_, sql_name(table_), row));
}

Result<bool> DuckDbKeyedRows::restore(int64_t row) const {
  if (!merge_) return false;
  LEAT_ASSIGN(const uint64_t restored,
              db_->change(fmt::format("INSERT INTO {0}({1}) SELECT {1} FROM {2} WHERE _row = {3}", sql_name(table_),
                                      kept_, sql_name(duckdb_before_table(table_)), row)));
  if (restored == 1) LEAT_TRY(forget_kept(row));
  return restored == 1;
}

Status DuckDbKeyedRows::forget_kept(int64_t row) const {
  if (!merge_) return {};
  return db_->execute(fmt::format("DELETE FROM {} WHERE _row = {}", sql_name(duckdb_before_table(table_)), row));
}

}  // namespace leat
