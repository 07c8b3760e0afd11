#include "sinks/postgres_keyed_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "db/sql.h"
#include "sinks/postgres_layout.h"

namespace leat {
namespace {

constexpr const char* kStage = "_leat_stage";

// Columns that PostgreSQL can compare.
Result<KeyColumns> find_postgres_key(const std::string& where, const SinkPlan& plan) {
  LEAT_ASSIGN(KeyColumns columns, find_key(where, plan));
  for (const size_t at : columns.key) {
    const Field& field = plan.schema->fields[at];
    if (field.type != Type::json) continue;
    return Status::bad_config(
        fmt::format("{}: table {}: 'key' names the column {}, which holds json, and PostgreSQL "
                    "cannot compare it; name a time, a number or a text",
                    where, quoted(plan.table), quoted(field.name)));
  }
  return columns;
}

// The columns of the index; none: there is no such index.
}  // namespace

Result<std::vector<std::string>> postgres_index_columns(const PostgresDatabase& db, const std::string& index) {
  LEAT_ASSIGN(PostgresRows rows,
              db.query("SELECT a.attname::text FROM pg_index AS i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, n), "
                       "pg_attribute AS a WHERE i.indexrelid = to_regclass($1) AND a.attrelid = i.indrelid AND "
                       "a.attnum = k.attnum ORDER BY k.n",
                       PostgresParameters::of(sql_name(db.schema()) + "." + sql_name(index))));
  std::vector<std::string> columns;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return columns;
    columns.push_back(rows.string(0));
  }
}

std::string postgres_key_index(const std::string& table) {
  return postgres_short_name("_leat_key_" + table);
}

std::string postgres_revision_index(const std::string& table) {
  return postgres_short_name("_leat_revision_" + table);
}

std::string postgres_before_table(const std::string& table) {
  return postgres_short_name("_leat_before_" + table);
}

Status make_postgres_key(const PostgresDatabase& db, const SinkPlan& plan) {
  LEAT_TRY(find_postgres_key(db.where(), plan).status().clone());
  const std::string index = postgres_key_index(plan.table);
  LEAT_ASSIGN(const std::vector<std::string> there, postgres_index_columns(db, index));
  if (!there.empty()) return check_key(db.where(), plan, there, "schema");
  std::string names;
  for (const std::string& name : plan.key) names += (names.empty() ? "" : ", ") + sql_name(name);
  const Status made =
      db.execute(fmt::format("CREATE UNIQUE INDEX {} ON {}({})", sql_name(index), sql_name(plan.table), names));
  return made.kind() == Kind::bad_data ? doubled_keys(db.where(), plan) : made.clone();
}

PostgresKeyedRows::PostgresKeyedRows(const PostgresDatabase& db, const SinkPlan& plan)
    : db_(&db),
      schema_(plan.schema),
      table_(plan.table),
      merge_(plan.mode == WriteMode::merge),
      copy_(db, kStage, plan.schema) {}

Result<std::unique_ptr<PostgresKeyedRows>> PostgresKeyedRows::make(const PostgresDatabase& db, const SinkPlan& plan) {
  std::unique_ptr<PostgresKeyedRows> rows(new PostgresKeyedRows(db, plan));
  LEAT_TRY(rows->prepare(plan));
  return rows;
}

Status PostgresKeyedRows::prepare(const SinkPlan& plan) {
  std::string declared;
  std::string names;
  std::string staged;
  std::string set;
  for (const Field& field : schema_->fields) {
    const std::string name = sql_name(field.name);
    declared += fmt::format("{} {}, ", name, postgres_storage(field.type, field.bytes));
    names += name + ", ";
    staged += "i." + name + ", ";
    if (std::find(plan.key.begin(), plan.key.end(), field.name) == plan.key.end()) {
      set += fmt::format("{0} = EXCLUDED.{0}, ", name);
    }
  }
  std::string key;
  std::string staged_key;
  std::string on;
  LEAT_ASSIGN(key_, find_postgres_key(db_->where(), plan));
  for (const size_t at : key_.key) {
    const std::string name = sql_name(schema_->fields[at].name);
    key += (key.empty() ? "" : ", ") + name;
    staged_key += (staged_key.empty() ? "i." : ", i.") + name;
    on += fmt::format("{0}t.{1} = i.{1}", on.empty() ? "" : " AND ", name);
  }
  std::string newest = "true";
  if (key_.newest) {
    const Field& field = schema_->fields[*key_.newest];
    const std::string name = sql_name(plan.newest) + (field.type == Type::boolean ? "::int" : "");
    const std::string before = fmt::format("greatest(t.{0}, max(i.{0}) OVER w)", name);
    newest = fmt::format("coalesce(i.{} >= {}, {} IS NULL)", name, before, before);
  }
  const std::string table = sql_name(table_);
  look_ = fmt::format(
      "SELECT min(i._row) OVER (PARTITION BY {0}), t._row, t._part, t._offset, {1} FROM pg_temp.{2} AS i LEFT JOIN {3} "
      "AS t ON {4} WINDOW w AS (PARTITION BY {0} ORDER BY i._row ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) "
      "ORDER BY i._row",
      staged_key, newest, kStage, table, on);
  put_ = fmt::format(
      "INSERT INTO {0}({1}_part, _offset, _row{2}) SELECT {3}i._part, i._offset, x.row{4} FROM unnest($1::bigint[], "
      "$2::bigint[], $3::bigint[]) AS x(staged, row, revision) JOIN pg_temp.{5} AS i ON i._row = x.staged ORDER BY "
      "x.staged{6}",
      table, names, merge_ ? ", _revision" : "", staged, merge_ ? ", x.revision" : "", kStage,
      merge_ ? fmt::format(" ON CONFLICT ({}) DO UPDATE SET {}_part = EXCLUDED._part, _offset = EXCLUDED._offset, "
                           "_revision = EXCLUDED._revision",
                           key, set)
             : "");
  LEAT_ASSIGN(const Schema stored, read_postgres_schema(*db_, plan.pipeline));
  for (const Field& field : stored.fields) kept_columns_ += sql_name(field.name) + ", ";
  kept_columns_ += "_part, _offset, _row, _revision";
  return db_->execute(
      fmt::format("CREATE TEMP TABLE {}({}_part bigint, _offset bigint, _row bigint PRIMARY KEY)", kStage, declared));
}

Status PostgresKeyedRows::stage(const RecordBatch& batch, size_t first, size_t count, int64_t part) {
  LEAT_TRY(db_->execute(fmt::format("TRUNCATE pg_temp.{}", kStage)));
  int64_t number = 0;
  for (size_t r = first; r < first + count;) {
    size_t end = r;
    while (end < first + count && !missing_key(batch, key_.key, end)) ++end;
    LEAT_TRY(copy_.insert(batch, r, end - r, part, number));
    number += static_cast<int64_t>(end - r);
    r = end + 1;
  }
  return {};
}

Result<std::vector<StagedRow>> PostgresKeyedRows::look() const {
  LEAT_ASSIGN(PostgresRows rows, db_->query(look_));
  std::vector<StagedRow> all;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return all;
    StagedRow& staged = all.emplace_back();
    staged.first = rows.number(0);
    if (!rows.is_null(1)) staged.was = KeyedPlace{rows.integer(1), rows.integer(2), rows.number(3)};
    staged.is_newest = rows.integer(4) != 0;
  }
}

Status PostgresKeyedRows::put(const std::vector<KeyedPut>& puts) const {
  if (puts.empty()) return {};
  PostgresArray staged(PostgresType::int8);
  PostgresArray rows(PostgresType::int8);
  PostgresArray revisions(PostgresType::int8);
  for (const KeyedPut& put : puts) {
    staged.next().put_integer(static_cast<int64_t>(put.staged));
    rows.next().put_integer(put.row);
    revisions.next().put_integer(put.revision);
  }
  LEAT_ASSIGN(const uint64_t changed, db_->change(put_, PostgresParameters::of(staged, rows, revisions)));
  if (changed == puts.size()) return {};
  return Status::fatal(
      fmt::format("{}: table {}: {} of {} rows were taken; remove the triggers and rules that were added to it",
                  db_->where(), quoted(table_), changed, puts.size()));
}

Status PostgresKeyedRows::keep(int64_t row) const {
  return db_
      ->change(fmt::format("INSERT INTO {0}({1}) SELECT {1} FROM {2} WHERE _row = $1",
                           sql_name(postgres_before_table(table_)), kept_columns_, sql_name(table_)),
               PostgresParameters::of(row))
      .status()
      .clone();
}

Result<bool> PostgresKeyedRows::restore(int64_t row) const {
  if (!merge_) return false;
  LEAT_ASSIGN(const uint64_t restored,
              db_->change(fmt::format("INSERT INTO {0}({1}) SELECT {1} FROM {2} WHERE _row = $1", sql_name(table_),
                                      kept_columns_, sql_name(postgres_before_table(table_))),
                          PostgresParameters::of(row)));
  if (restored == 1) LEAT_TRY(forget_kept(row));
  return restored == 1;
}

Status PostgresKeyedRows::forget_kept(int64_t row) const {
  if (!merge_) return {};
  return db_
      ->change(fmt::format("DELETE FROM {} WHERE _row = $1", sql_name(postgres_before_table(table_))),
               PostgresParameters::of(row))
      .status()
      .clone();
}

}  // namespace leat
