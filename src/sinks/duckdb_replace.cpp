#include "sinks/duckdb_replace.h"

#include <fmt/format.h>

#include <algorithm>

#include "db/sql.h"
#include "sinks/duckdb_aggregates.h"
#include "sinks/duckdb_layout.h"
#include "sinks/duckdb_parts.h"
#include "sinks/part_books.h"

namespace leat {
namespace {

Status forget_columns(const DuckDb& db, const std::string& pipeline) {
  return db.change("DELETE FROM _leat_columns WHERE pipeline = $1", pipeline).status().clone();
}

}  // namespace

Status drop_next(const DuckDb& db, const SinkPlan& plan) {
  LEAT_TRY(db.execute("DROP TABLE IF EXISTS " + sql_name(next_table(plan.table))));
  LEAT_TRY(forget_columns(db, next_pipeline(plan.pipeline)));
  return forget_duckdb_parts(db, next_pipeline(plan.pipeline));
}

Status swap_in_next(const DuckDb& db, const SinkPlan& plan, const Note& note) {
  LEAT_TRY(db.execute("DROP TABLE " + sql_name(plan.table)));
  LEAT_TRY(
      db.execute(fmt::format("ALTER TABLE {} RENAME TO {}", sql_name(next_table(plan.table)), sql_name(plan.table))));
  LEAT_TRY(forget_duckdb_parts(db, plan.pipeline));
  LEAT_TRY(forget_columns(db, plan.pipeline));
  for (const char* table : {"_leat_parts", "_leat_rejects", "_leat_columns"}) {
    LEAT_TRY(db.change(fmt::format("UPDATE {} SET pipeline = $1 WHERE pipeline = $2", table), plan.pipeline,
                       next_pipeline(plan.pipeline))
                 .status()
                 .clone());
  }
  LEAT_ASSIGN(std::vector<AggregateSpec> kept, read_duckdb_aggregates(db, plan.pipeline));
  std::erase_if(kept, [&](const AggregateSpec& old) {
    return std::none_of(plan.aggregates.begin(), plan.aggregates.end(), [&](AggregateSpec spec) {
      spec.pipeline = plan.pipeline;
      return spec == old;
    });
  });
  if (!kept.empty()) {
    LEAT_TRY(DuckDbAggregates::rebuild(db, plan.table, plan.schema, kept, nullptr).status().clone());
  }
  // Those that are new are built from the rows, those that are not declared any more go.
  return DuckDbAggregates::make(db, plan.pipeline, plan.table, plan.schema, plan.aggregates, note).status().clone();
}

}  // namespace leat
