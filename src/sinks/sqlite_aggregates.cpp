#include "sinks/sqlite_aggregates.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sinks/sqlite_layout.h"

namespace leat {
namespace {

// Rows between two apply() while a whole table is read: bounds what an Aggregate holds.
constexpr uint64_t kApplyRows = 128 * 1024;

Status name_taken(const SqliteDatabase& db, const std::string& name) {
  return Status::bad_config(
      fmt::format("{}: there is a table {} that is not this pipeline's aggregate; rename the "
                  "aggregate",
                  db.where(), quoted(name)));
}

// That none of the tables that `spec` needs is there.
Status check_free(const SqliteDatabase& db, const AggregateSpec& spec) {
  if (spec.name.empty() || spec.name.starts_with("_leat_") || spec.name.starts_with("sqlite_")) {
    return Status::bad_config(
        fmt::format("{}: an aggregate cannot be named {}; rename it", db.where(), quoted(spec.name)));
  }
  std::vector<std::string> names = {spec.name, bucket_table(spec.name)};
  for (const NamedExpression& measure : spec.value) names.push_back(distinct_table(spec.name, measure.name));
  for (const std::string& name : names) {
    LEAT_ASSIGN(const bool there, db.has_table(name));
    if (there) return name_taken(db, name);
  }
  return {};
}

Status store_spec(const SqliteDatabase& db, const AggregateSpec& spec) {
  LEAT_ASSIGN(SqliteStatement insert, db.prepare("INSERT INTO _leat_aggregates VALUES(?, ?, ?)"));
  LEAT_TRY(
      insert.with(std::string_view(spec.name), std::string_view(spec.pipeline), std::string_view(spec.timezone)).run());
  LEAT_ASSIGN(SqliteStatement column, db.prepare("INSERT INTO _leat_aggregate_columns VALUES(?, ?, ?, ?, ?)"));
  int64_t ordinal = 0;
  for (const auto& [role, list] : {std::pair{"by", &spec.by}, std::pair{"value", &spec.value}}) {
    for (const NamedExpression& expression : *list) {
      LEAT_TRY(column
                   .with(std::string_view(spec.name), ordinal++, std::string_view(role),
                         std::string_view(expression.name), std::string_view(expression.expression))
                   .run());
    }
  }
  return {};
}

Status drop_tables(const SqliteDatabase& db, const AggregateSpec& spec) {
  LEAT_TRY(db.execute("DROP TABLE IF EXISTS " + sql_name(spec.name)));
  LEAT_TRY(db.execute("DROP TABLE IF EXISTS " + sql_name(bucket_table(spec.name))));
  for (const NamedExpression& measure : spec.value) {
    LEAT_TRY(db.execute("DROP TABLE IF EXISTS " + sql_name(distinct_table(spec.name, measure.name))));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> sqlite_additions(const SqliteDatabase& db, const std::string& table) {
  LEAT_ASSIGN(
      SqliteStatement select,
      db.prepare("SELECT sql FROM main.sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND "
                 "tbl_name = ? COLLATE NOCASE AND name NOT LIKE '\\_leat\\_%' ESCAPE '\\' ORDER BY rowid"));
  select.with(std::string_view(table));
  std::vector<std::string> all;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return all;
    all.push_back(select.string(0));
  }
}

Status drop_sqlite_aggregate(const SqliteDatabase& db, const AggregateSpec& spec) {
  LEAT_TRY(drop_tables(db, spec));
  LEAT_TRY(db.execute("DELETE FROM _leat_aggregates WHERE aggregate = " + sql_text(spec.name)));
  return db.execute("DELETE FROM _leat_aggregate_columns WHERE aggregate = " + sql_text(spec.name));
}

Result<std::unique_ptr<SqliteAggregates>> SqliteAggregates::make(const SqliteDatabase& db, const std::string& pipeline,
                                                                 const std::string& table, const SchemaPtr& schema,
                                                                 const std::vector<AggregateSpec>& specs,
                                                                 WriteMode mode, const Note& note) {
  std::unique_ptr<SqliteAggregates> aggregates(new SqliteAggregates(db, table, schema));
  LEAT_ASSIGN(const std::vector<AggregateSpec> stored, read_sqlite_aggregates(db, pipeline));
  for (const AggregateSpec& old : stored) {
    const auto same_name = [&](const AggregateSpec& spec) { return spec.name == old.name; };
    const auto declared = std::find_if(specs.begin(), specs.end(), same_name);
    if (declared != specs.end()) continue;
    LEAT_TRY(drop_sqlite_aggregate(db, old));
    if (note) {
      note(NoteLevel::warning, fmt::format("{}: aggregate {} of pipeline {} is not declared any more: its table is "
                                           "dropped; declare it again to have it built from the rows",
                                           db.where(), quoted(old.name), quoted(pipeline)));
    }
  }
  std::vector<KeptAggregate*> fresh;
  for (const AggregateSpec& declared : specs) {
    AggregateSpec spec = declared;
    spec.pipeline = pipeline;
    const auto old =
        std::find_if(stored.begin(), stored.end(), [&](const AggregateSpec& s) { return s.name == spec.name; });
    const bool keep = old != stored.end() && *old == spec;
    if (old != stored.end() && !keep) LEAT_TRY(drop_sqlite_aggregate(db, *old));
    if (!keep) {
      LEAT_TRY(check_free(db, spec));
      LEAT_TRY(store_spec(db, spec));
    }
    LEAT_ASSIGN(auto made, make_kept_aggregate(db, spec, *schema, "main", !keep, mode));
    if (!keep) fresh.push_back(made.get());
    aggregates->tables_.push_back(std::move(made));
  }
  LEAT_ASSIGN(const int64_t last_row, db.query_integer("SELECT max(_row) FROM " + sql_name(table)));
  if (fresh.empty() || last_row == 0) return aggregates;
  LEAT_ASSIGN(const uint64_t rows, aggregates->build(fresh, nullptr));
  for (const KeptAggregate* built : fresh) {
    if (note) {
      note(NoteLevel::info, fmt::format("{}: aggregate {} was built from {} rows", db.where(),
                                        quoted(built->spec().name), with_commas(rows)));
    }
  }
  return aggregates;
}

Result<std::unique_ptr<SqliteAggregates>> SqliteAggregates::recount(const SqliteDatabase& db, const std::string& table,
                                                                    const SchemaPtr& schema,
                                                                    const std::vector<AggregateSpec>& specs,
                                                                    WriteMode mode,
                                                                    const std::function<void(uint64_t)>& progress) {
  std::unique_ptr<SqliteAggregates> aggregates(new SqliteAggregates(db, table, schema));
  std::vector<KeptAggregate*> fresh;
  for (const AggregateSpec& spec : specs) {
    LEAT_ASSIGN(auto made, make_kept_aggregate(db, spec, *schema, "temp", true, mode));
    fresh.push_back(made.get());
    aggregates->tables_.push_back(std::move(made));
  }
  if (!fresh.empty()) LEAT_TRY(aggregates->build(fresh, progress).status().clone());
  return aggregates;
}

Result<uint64_t> SqliteAggregates::rebuild(const SqliteDatabase& db, const std::string& table, const SchemaPtr& schema,
                                           const std::vector<AggregateSpec>& specs, WriteMode mode,
                                           const std::function<void(uint64_t)>& progress) {
  SqliteAggregates aggregates(db, table, schema);
  std::vector<KeptAggregate*> fresh;
  std::vector<std::string> again;
  for (const AggregateSpec& spec : specs) {
    LEAT_ASSIGN(std::vector<std::string> added, sqlite_additions(db, spec.name));
    again.insert(again.end(), std::make_move_iterator(added.begin()), std::make_move_iterator(added.end()));
    LEAT_TRY(drop_tables(db, spec));
    LEAT_ASSIGN(auto made, make_kept_aggregate(db, spec, *schema, "main", true, mode));
    fresh.push_back(made.get());
    aggregates.tables_.push_back(std::move(made));
  }
  LEAT_ASSIGN(const uint64_t rows, aggregates.build(fresh, progress));
  for (const std::string& sql : again) LEAT_TRY(db.execute(sql));
  return rows;
}

Result<uint64_t> SqliteAggregates::build(const std::vector<KeptAggregate*>& fresh,
                                         const std::function<void(uint64_t)>& progress) {
  std::vector<size_t> columns = inputs();
  LEAT_ASSIGN(const auto reader, RowReader::make(*db_, table_, schema_, std::move(columns), ""));
  uint64_t rows = 0;
  uint64_t waiting = 0;
  for (;;) {
    LEAT_ASSIGN(const RecordBatch batch, reader->next());
    if (batch.rows() == 0) break;
    for (size_t i = 0; i < fresh.size(); ++i) fresh[i]->add(i, batch, 0, batch.rows());
    rows += batch.rows();
    waiting += batch.rows();
    if (progress) progress(rows);
    if (waiting < kApplyRows) continue;
    for (KeptAggregate* table : fresh) LEAT_TRY(table->apply());
    waiting = 0;
  }
  for (KeptAggregate* table : fresh) LEAT_TRY(table->apply());
  return rows;
}

void SqliteAggregates::prepare(RecordBatch& batch) const {
  auto counted = std::make_shared<CountedBatch>();
  for (const auto& table : tables_) counted->counted.push_back(table->count(batch));
  batch.prepared = std::move(counted);
}

void SqliteAggregates::add(const RecordBatch& batch, size_t first, size_t count) {
  for (size_t i = 0; i < tables_.size(); ++i) tables_[i]->add(i, batch, first, count);
}

Status SqliteAggregates::touch(const RecordBatch& batch, size_t first, size_t count) {
  if (count == 0) return {};
  for (const auto& table : tables_) LEAT_TRY(table->touch(batch, first, count));
  return {};
}

Status SqliteAggregates::apply() {
  for (const auto& table : tables_) LEAT_TRY(table->apply());
  const bool touched = std::any_of(tables_.begin(), tables_.end(), [](const auto& t) { return t->is_touched(); });
  return touched ? again() : Status();
}

void SqliteAggregates::forget_rows() {
  for (const auto& table : tables_) table->forget_rows();
}

Status SqliteAggregates::again() {
  for (const auto& table : tables_) LEAT_TRY(table->begin_again());
  LEAT_ASSIGN(const auto reader, RowReader::make(*db_, table_, schema_, inputs(), ""));
  for (;;) {
    LEAT_ASSIGN(const RecordBatch batch, reader->next());
    if (batch.rows() == 0) break;
    for (const auto& table : tables_) LEAT_TRY(table->readd(batch));
  }
  for (const auto& table : tables_) LEAT_TRY(table->end_again());
  return {};
}

std::vector<size_t> SqliteAggregates::inputs() const {
  std::vector<size_t> columns;
  for (const auto& table : tables_) columns.insert(columns.end(), table->inputs().begin(), table->inputs().end());
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

}  // namespace leat
