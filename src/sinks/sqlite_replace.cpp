#include "sinks/sqlite_replace.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sinks/sqlite_aggregates.h"
#include "sinks/sqlite_layout.h"
#include "sinks/sqlite_parts.h"

namespace leat {
namespace {

Status hand_over(const SqliteDatabase& db, const char* table, const SinkPlan& plan) {
  LEAT_ASSIGN(SqliteStatement update, db.prepare(fmt::format("UPDATE {} SET pipeline = ? WHERE pipeline = ?", table)));
  const std::string next = next_pipeline(plan.pipeline);
  return update.with(std::string_view(plan.pipeline), std::string_view(next)).run();
}

Status forget_columns(const SqliteDatabase& db, const std::string& pipeline) {
  return db.execute("DELETE FROM _leat_columns WHERE pipeline = " + sql_text(pipeline));
}

Status swap_tables(const SqliteDatabase& db, const SinkPlan& plan, const Note& note) {
  LEAT_ASSIGN(const std::vector<std::string> additions, sqlite_additions(db, plan.table));
  LEAT_TRY(db.execute("DROP TABLE " + sql_name(plan.table)));
  // Views that a user has made name the table: they would be looked at while it is not there.
  LEAT_TRY(db.execute("PRAGMA legacy_alter_table = ON"));
  const Status renamed =
      db.execute(fmt::format("ALTER TABLE {} RENAME TO {}", sql_name(next_table(plan.table)), sql_name(plan.table)));
  LEAT_TRY(db.execute("PRAGMA legacy_alter_table = OFF"));
  LEAT_TRY(renamed.clone());
  for (const std::string& sql : additions) {
    const Status made = db.execute(sql);
    if (made.ok()) continue;
    // Of a column that is not there any more, or of rows that do not fit it.
    if (made.kind() != Kind::bad_data && made.kind() != Kind::bug && made.kind() != Kind::fatal) return made.clone();
    if (note) {
      note(NoteLevel::warning,
           fmt::format("{}: the new content of table {} does not take '{}', which was put on it: {}", db.where(),
                       quoted(plan.table), visible(sql, 200), made.message()));
    }
  }
  return {};
}

}  // namespace

Status drop_next(const SqliteDatabase& db, const SinkPlan& plan) {
  LEAT_TRY(db.execute("DROP TABLE IF EXISTS " + sql_name(next_table(plan.table))));
  LEAT_TRY(forget_columns(db, next_pipeline(plan.pipeline)));
  return forget_sqlite_parts(db, next_pipeline(plan.pipeline));
}

Status swap_in_next(const SqliteDatabase& db, const SinkPlan& plan, const Note& note) {
  LEAT_TRY(swap_tables(db, plan, note));
  LEAT_TRY(forget_sqlite_parts(db, plan.pipeline));
  LEAT_TRY(forget_columns(db, plan.pipeline));
  for (const char* table : {"_leat_parts", "_leat_rejects", "_leat_columns"}) LEAT_TRY(hand_over(db, table, plan));
  LEAT_ASSIGN(std::vector<AggregateSpec> kept, read_sqlite_aggregates(db, plan.pipeline));
  std::erase_if(kept, [&](const AggregateSpec& old) {
    return std::none_of(plan.aggregates.begin(), plan.aggregates.end(), [&](AggregateSpec spec) {
      spec.pipeline = plan.pipeline;
      return spec == old;
    });
  });
  if (!kept.empty()) {
    LEAT_TRY(SqliteAggregates::rebuild(db, plan.table, plan.schema, kept, plan.mode, nullptr).status().clone());
  }
  // Those that are new are built from the rows, those that are not declared any more go.
  return SqliteAggregates::make(db, plan.pipeline, plan.table, plan.schema, plan.aggregates, plan.mode, note)
      .status()
      .clone();
}

}  // namespace leat
