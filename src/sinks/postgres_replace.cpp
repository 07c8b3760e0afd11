#include "sinks/postgres_replace.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "db/sql.h"
#include "sinks/part_books.h"
#include "sinks/postgres_aggregates.h"
#include "sinks/postgres_layout.h"
#include "sinks/postgres_rows.h"

namespace leat {
namespace {

Status forget_columns(const PostgresDatabase& db, const std::string& pipeline) {
  return db.execute("DELETE FROM _leat_columns WHERE pipeline = " + sql_text(pipeline));
}

// The table gets the columns that the pull has, and loses those that it does not have any more.
Status change_columns(const PostgresDatabase& db, const SinkPlan& plan, const Schema& old, const Schema& next) {
  for (const Field& field : old.fields) {
    const std::optional<size_t> at = next.find(field.name);
    if (at && next.fields[*at].type == field.type && next.fields[*at].bytes == field.bytes) continue;
    LEAT_TRY(db.execute(fmt::format("ALTER TABLE {} DROP COLUMN {}", sql_name(plan.table), sql_name(field.name))));
  }
  for (const Field& field : next.fields) {
    const std::optional<size_t> at = old.find(field.name);
    if (at && old.fields[*at].type == field.type && old.fields[*at].bytes == field.bytes) continue;
    LEAT_TRY(db.execute(fmt::format("ALTER TABLE {} ADD COLUMN {} {}", sql_name(plan.table), sql_name(field.name),
                                    postgres_storage(field.type, field.bytes))));
  }
  return {};
}

}  // namespace

Status forget_postgres_parts(const PostgresDatabase& db, const std::string& pipeline) {
  const std::string name = sql_text(pipeline);
  for (const char* table : {"_leat_positions", "_leat_ranges", "_leat_provisional", "_leat_taken"}) {
    LEAT_TRY(db.execute(
        fmt::format("DELETE FROM {} WHERE part IN (SELECT part FROM _leat_parts WHERE pipeline = {})", table, name)));
  }
  LEAT_TRY(db.execute("DELETE FROM _leat_rejects WHERE pipeline = " + name));
  return db.execute("DELETE FROM _leat_parts WHERE pipeline = " + name);
}

Status drop_postgres_next(const PostgresDatabase& db, const SinkPlan& plan) {
  LEAT_TRY(db.execute("DROP TABLE IF EXISTS " + sql_name(next_table(plan.table))));
  LEAT_TRY(forget_columns(db, next_pipeline(plan.pipeline)));
  return forget_postgres_parts(db, next_pipeline(plan.pipeline));
}

Status swap_in_postgres_next(const PostgresDatabase& db, const SinkPlan& plan, const Note& note) {
  const std::string next = next_pipeline(plan.pipeline);
  LEAT_ASSIGN(const Schema old_schema, read_postgres_schema(db, plan.pipeline));
  LEAT_ASSIGN(const Schema schema, read_postgres_schema(db, next));
  LEAT_TRY(db.execute("DELETE FROM " + sql_name(plan.table)));
  LEAT_TRY(change_columns(db, plan, old_schema, schema));
  std::string names;
  for (const Field& field : schema.fields) names += sql_name(field.name) + ", ";
  Status filled =
      db.execute(fmt::format("INSERT INTO {0}({1}_part, _offset, _row) SELECT {1}_part, _offset, _row FROM "
                             "{2} ORDER BY _row",
                             sql_name(plan.table), names, sql_name(next_table(plan.table))));
  if (filled.kind() == Kind::bad_data) return Status::fatal(filled.message());
  LEAT_TRY(std::move(filled));
  LEAT_TRY(forget_postgres_parts(db, plan.pipeline));
  LEAT_TRY(forget_columns(db, plan.pipeline));
  for (const char* table : {"_leat_parts", "_leat_rejects", "_leat_columns"}) {
    LEAT_TRY(db.change(fmt::format("UPDATE {} SET pipeline = $1 WHERE pipeline = $2", table),
                       PostgresParameters::of(plan.pipeline, next))
                 .status()
                 .clone());
  }
  LEAT_TRY(db.execute("DROP TABLE " + sql_name(next_table(plan.table))));
  LEAT_ASSIGN(std::vector<AggregateSpec> kept, read_postgres_aggregates(db, plan.pipeline));
  std::erase_if(kept, [&](const AggregateSpec& old) {
    return std::none_of(plan.aggregates.begin(), plan.aggregates.end(), [&](AggregateSpec spec) {
      spec.pipeline = plan.pipeline;
      return spec == old;
    });
  });
  if (!kept.empty()) {
    LEAT_TRY(PostgresAggregates::rebuild(db, plan.table, plan.schema, kept, nullptr).status().clone());
  }
  // Those that are new are built from the rows, those that are not declared any more go.
  return PostgresAggregates::make(db, plan.pipeline, plan.table, plan.schema, plan.aggregates, note).status().clone();
}

}  // namespace leat
