#include "sinks/sqlite_runs.h"

#include "base/time.h"
#include "sinks/sqlite_value.h"

namespace leat {

Result<std::optional<PipelineRun>> read_sqlite_run(const SqliteDatabase& db, const std::string& pipeline) {
  std::optional<PipelineRun> run;
  LEAT_ASSIGN(const bool there, db.has_table("_leat_runs"));
  if (!there) return run;
  LEAT_ASSIGN(SqliteStatement select,
              db.prepare("SELECT started_at, ended_at, error, next_at FROM _leat_runs WHERE pipeline = ?"));
  select.with(std::string_view(pipeline));
  LEAT_ASSIGN(const bool row, select.step());
  const std::optional<int64_t> started = row ? time_at(select, 0) : std::nullopt;
  if (!started) return run;
  run = PipelineRun{.started_micros = *started,
                    .ended_micros = time_at(select, 1).value_or(*started),
                    .error = select.string(2),
                    .next_micros = time_at(select, 3)};
  return run;
}

Status keep_sqlite_run(const SqliteDatabase& db, const std::string& pipeline, const PipelineRun& run) {
  LEAT_TRY(
      db.execute("CREATE TABLE IF NOT EXISTS _leat_runs(pipeline TEXT PRIMARY KEY NOT NULL, started_at TEXT NOT NULL, "
                 "ended_at TEXT NOT NULL, error TEXT NOT NULL, next_at TEXT) WITHOUT ROWID"));
  LEAT_ASSIGN(SqliteStatement put, db.prepare("INSERT OR REPLACE INTO _leat_runs VALUES(?, ?, ?, ?, ?)"));
  const std::string started = format_time(run.started_micros);
  const std::string ended = format_time(run.ended_micros);
  const std::string next = run.next_micros ? format_time(*run.next_micros) : "";
  put.with(std::string_view(pipeline), std::string_view(started), std::string_view(ended), std::string_view(run.error));
  if (run.next_micros) put.bind(5, std::string_view(next));
  return put.run();
}

}  // namespace leat
