#include "sinks/duckdb_aggregates.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "db/sql.h"
#include "sinks/duckdb_layout.h"
#include "sinks/duckdb_rows.h"

namespace leat {
namespace {

// Rows between two apply() while a whole table is read: bounds what an Aggregate holds.
constexpr uint64_t kApplyRows = 128 * 1024;

// Of an aggregate: its own and those of its sets.
std::vector<std::string> tables_of(const AggregateSpec& spec) {
  std::vector<std::string> names = {spec.name};
  for (const NamedExpression& measure : spec.value) names.push_back(duckdb_distinct_table(spec.name, measure.name));
  return names;
}

Status check_free(const DuckDb& db, const AggregateSpec& spec) {
  LEAT_TRY(check_duckdb_table(db.where(), spec.name));
  for (const std::string& name : tables_of(spec)) {
    LEAT_ASSIGN(const bool there, db.has_table(name));
    if (!there) continue;
    return Status::bad_config(
        fmt::format("{}: there is a table {} that is not this pipeline's aggregate; rename the aggregate", db.where(),
                    quoted(name)));
  }
  return {};
}

Status store_spec(const DuckDb& db, const AggregateSpec& spec) {
  LEAT_TRY(db.change("INSERT INTO _leat_aggregates VALUES($1, $2, $3)", spec.name, spec.pipeline, spec.timezone)
               .status()
               .clone());
  int64_t ordinal = 0;
  for (const auto& [role, list] : {std::pair{"by", &spec.by}, std::pair{"value", &spec.value}}) {
    for (const NamedExpression& expression : *list) {
      LEAT_TRY(db.change("INSERT INTO _leat_aggregate_columns VALUES($1, $2, $3, $4, $5)", spec.name, ordinal++,
                         std::string_view(role), expression.name, expression.expression)
                   .status()
                   .clone());
    }
  }
  return {};
}

Status drop(const DuckDb& db, const AggregateSpec& spec) {
  for (const std::string& name : tables_of(spec)) {
    LEAT_TRY(db.execute(fmt::format("DROP TABLE IF EXISTS {}", sql_name(name))));
  }
  for (const char* table : {"_leat_aggregates", "_leat_aggregate_columns"}) {
    LEAT_TRY(db.change(fmt::format("DELETE FROM {} WHERE aggregate = $1", table), spec.name).status().clone());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<DuckDbAggregates>> DuckDbAggregates::make(const DuckDb& db, const std::string& pipeline,
                                                                 const std::string& table, const SchemaPtr& schema,
                                                                 const std::vector<AggregateSpec>& specs,
                                                                 const Note& note) {
  std::unique_ptr<DuckDbAggregates> aggregates(new DuckDbAggregates(db, table, schema));
  LEAT_ASSIGN(const std::vector<AggregateSpec> stored, read_duckdb_aggregates(db, pipeline));
  for (const AggregateSpec& old : stored) {
    const auto same_name = [&](const AggregateSpec& spec) { return spec.name == old.name; };
    if (std::any_of(specs.begin(), specs.end(), same_name)) continue;
    LEAT_TRY(drop(db, old));
    if (note) {
      note(NoteLevel::warning, fmt::format("{}: aggregate {} of pipeline {} is not declared any more: its table is "
                                           "dropped; declare it again to have it built from the rows",
                                           db.where(), quoted(old.name), quoted(pipeline)));
    }
  }
  std::vector<DuckDbAggregate*> fresh;
  for (const AggregateSpec& declared : specs) {
    AggregateSpec spec = declared;
    spec.pipeline = pipeline;
    const auto old =
        std::find_if(stored.begin(), stored.end(), [&](const AggregateSpec& s) { return s.name == spec.name; });
    const bool keep = old != stored.end() && *old == spec;
    if (old != stored.end() && !keep) LEAT_TRY(drop(db, *old));
    if (!keep) {
      LEAT_TRY(check_free(db, spec));
      LEAT_TRY(store_spec(db, spec));
    }
    LEAT_ASSIGN(auto made, DuckDbAggregate::make(db, spec, *schema, db.space(), !keep));
    if (!keep) fresh.push_back(made.get());
    aggregates->all_.push_back(std::move(made));
  }
  if (fresh.empty()) return aggregates;
  LEAT_ASSIGN(const uint64_t rows, aggregates->build(fresh, nullptr));
  if (rows == 0 || !note) return aggregates;
  for (const DuckDbAggregate* built : fresh) {
    note(NoteLevel::info, fmt::format("{}: aggregate {} was built from {} rows", db.where(), quoted(built->spec().name),
                                      with_commas(rows)));
  }
  return aggregates;
}

Result<std::unique_ptr<DuckDbAggregates>> DuckDbAggregates::recount(const DuckDb& db, const std::string& table,
                                                                    const SchemaPtr& schema,
                                                                    const std::vector<AggregateSpec>& specs,
                                                                    const std::function<void(uint64_t)>& progress) {
  std::unique_ptr<DuckDbAggregates> aggregates(new DuckDbAggregates(db, table, schema));
  std::vector<DuckDbAggregate*> fresh;
  for (const AggregateSpec& spec : specs) {
    LEAT_ASSIGN(auto made, DuckDbAggregate::make(db, spec, *schema, "temp.main", true));
    fresh.push_back(made.get());
    aggregates->all_.push_back(std::move(made));
  }
  if (!fresh.empty()) LEAT_TRY(aggregates->build(fresh, progress).status().clone());
  return aggregates;
}

Result<uint64_t> DuckDbAggregates::rebuild(const DuckDb& db, const std::string& table, const SchemaPtr& schema,
                                           const std::vector<AggregateSpec>& specs,
                                           const std::function<void(uint64_t)>& progress) {
  DuckDbAggregates aggregates(db, table, schema);
  std::vector<DuckDbAggregate*> fresh;
  for (const AggregateSpec& spec : specs) {
    bool whole = true;
    LEAT_ASSIGN(auto made, DuckDbAggregate::make(db, spec, *schema, db.space(), false));
    std::vector<std::string> needed = {spec.name};
    for (const AggregateColumn& column : made->columns()) {
      if (is_distinct(column)) {
        needed.push_back(duckdb_distinct_table(spec.name, column.name));
      }
    }
    for (const std::string& name : needed) {
      LEAT_ASSIGN(const bool there, db.has_table(name));
      whole = whole && there;
    }
    if (whole) {
      for (const std::string& name : needed) LEAT_TRY(db.execute("DELETE FROM " + sql_name(name)));
    } else {
      for (const std::string& name : needed) LEAT_TRY(db.execute("DROP TABLE IF EXISTS " + sql_name(name)));
      LEAT_ASSIGN(made, DuckDbAggregate::make(db, spec, *schema, db.space(), true));
    }
    fresh.push_back(made.get());
    aggregates.all_.push_back(std::move(made));
  }
  return aggregates.build(fresh, progress);
}

// Adds every row of the table to each of `fresh`; the number of rows.
Result<uint64_t> DuckDbAggregates::build(const std::vector<DuckDbAggregate*>& fresh,
                                         const std::function<void(uint64_t)>& progress) {
  LEAT_ASSIGN(const auto reader, DuckDbReader::make(*db_, table_, schema_, inputs()));
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
    for (DuckDbAggregate* each : fresh) LEAT_TRY(each->apply());
    waiting = 0;
  }
  for (DuckDbAggregate* each : fresh) LEAT_TRY(each->apply());
  return rows;
}

void DuckDbAggregates::prepare(RecordBatch& batch) const {
  auto counted = std::make_shared<CountedBatch>();
  for (const auto& each : all_) counted->counted.push_back(each->count(batch));
  batch.prepared = std::move(counted);
}

void DuckDbAggregates::add(const RecordBatch& batch, size_t first, size_t count) {
  for (size_t i = 0; i < all_.size(); ++i) all_[i]->add(i, batch, first, count);
}

Status DuckDbAggregates::touch(const RecordBatch& batch, size_t first, size_t count) {
  if (count == 0) return {};
  for (const auto& each : all_) LEAT_TRY(each->touch(batch, first, count));
  return {};
}

Status DuckDbAggregates::apply() {
  for (const auto& each : all_) LEAT_TRY(each->apply());
  const bool touched = std::any_of(all_.begin(), all_.end(), [](const auto& each) { return each->is_touched(); });
  return touched ? again() : Status();
}

Status DuckDbAggregates::again() {
  for (const auto& each : all_) LEAT_TRY(each->begin_again());
  LEAT_ASSIGN(const auto reader, DuckDbReader::make(*db_, table_, schema_, inputs()));
  for (;;) {
    LEAT_ASSIGN(const RecordBatch batch, reader->next());
    if (batch.rows() == 0) break;
    for (const auto& each : all_) LEAT_TRY(each->readd(batch));
  }
  for (const auto& each : all_) LEAT_TRY(each->end_again());
  return {};
}

std::vector<size_t> DuckDbAggregates::inputs() const {
  std::vector<size_t> columns;
  for (const auto& each : all_) columns.insert(columns.end(), each->inputs().begin(), each->inputs().end());
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

}  // namespace leat
