#include "sinks/postgres_claim.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"
#include "os/process.h"

namespace leat {
namespace {

// "pid 123 on web1" of "pid 123 on web1 (started …)".
std::string short_name(std::string_view writer) {
  return visible(writer.substr(0, writer.find(" (")));
}

// " on web1" of both.
bool on_this_machine(std::string_view writer) {
  const auto host = [](std::string_view name) {
    const std::string_view whole = name.substr(0, name.find(" ("));
    const size_t on = whole.find(" on ");
    return on == std::string_view::npos ? std::string_view() : whole.substr(on);
  };
  const std::string self = os::self_name();
  return host(writer) == host(self);
}

Status belongs_elsewhere(const PostgresDatabase& db, const SinkPlan& plan) {
  LEAT_ASSIGN(PostgresRows rows,
              db.query("SELECT pipeline FROM _leat_pipelines WHERE table_name = $1 AND pipeline <> $2",
                       PostgresParameters::of(plan.table, plan.pipeline)));
  LEAT_ASSIGN(const bool taken, rows.step());
  if (!taken) return {};
  return Status::bad_config(
      fmt::format("{}: table {} is filled by pipeline {}, not by {}; name another table (--table)", db.where(),
                  quoted(plan.table), quoted(rows.text(0)), quoted(plan.pipeline)));
}

// The lock is somebody's: whose?
Status held(const PostgresDatabase& db, const std::string& pipeline, const std::string& writer, bool ended) {
  if (!ended && writer != os::self_name() && (!on_this_machine(writer) || os::is_alive(writer))) {
    return Status::fatal(fmt::format("pipeline {} of {} is being run by {}; stop it first", quoted(pipeline),
                                     db.where(), short_name(writer)));
  }
  return Status::retry(
      fmt::format("pipeline {} of {} is locked by a connection of {} that the server has not ended yet; "
                  "leat goes on by itself when it has",
                  quoted(pipeline), db.where(), ended ? "another leat" : short_name(writer)));
}

}  // namespace

int64_t postgres_lock(const PostgresDatabase& db, const std::string& pipeline) {
  return static_cast<int64_t>(hash64("leat pipeline " + pipeline, hash64(db.schema())));
}

Result<std::unique_ptr<PostgresClaim>> PostgresClaim::take(const PostgresDatabase& db, const SinkPlan& plan) {
  std::unique_ptr<PostgresClaim> claim(new PostgresClaim(db, plan.pipeline));
  const std::string self = os::self_name();
  LEAT_TRY(belongs_elsewhere(db, plan));
  LEAT_ASSIGN(const int64_t free,
              db.query_integer(fmt::format("SELECT pg_try_advisory_lock({})", postgres_lock(db, plan.pipeline))));
  LEAT_ASSIGN(PostgresRows known,
              db.query("SELECT table_name, sequence, next_row, writer, ended_at IS NOT NULL, write_mode "
                       "FROM _leat_pipelines WHERE pipeline = $1 FOR UPDATE",
                       PostgresParameters::of(plan.pipeline)));
  LEAT_ASSIGN(const bool is_known, known.step());
  if (!is_known) {
    if (free == 0) return held(db, plan.pipeline, "", true);
    LEAT_TRY(db.change("INSERT INTO _leat_pipelines(pipeline, table_name, write_mode, sequence, next_row, writer) "
                       "VALUES($1, $2, $3, 0, 1, $4)",
                       PostgresParameters::of(plan.pipeline, plan.table, name_of(plan.mode), self))
                 .status()
                 .clone());
    return claim;
  }
  if (known.text(0) != plan.table) {
    return Status::bad_config(
        fmt::format("{}: pipeline {} fills table {}, not {}; name that table (--table), or another schema", db.where(),
                    quoted(plan.pipeline), quoted(known.text(0)), quoted(plan.table)));
  }
  if (known.text(5) != name_of(plan.mode)) {
    return Status::bad_config(fmt::format(
        "{}: table {} is written with write = {}, now it would be {}; name another table, or another schema",
        db.where(), quoted(plan.table), quoted(known.text(5)), quoted(name_of(plan.mode))));
  }
  if (free == 0) return held(db, plan.pipeline, known.string(3), known.integer(4) != 0);
  claim->sequence_ = known.integer(1) + 1;
  claim->next_row_ = known.integer(2);
  LEAT_TRY(db.change("UPDATE _leat_pipelines SET sequence = $2, writer = $3, ended_at = NULL WHERE pipeline = $1",
                     PostgresParameters::of(plan.pipeline, claim->sequence_, self))
               .status()
               .clone());
  return claim;
}

Status PostgresClaim::lost() const {
  LEAT_ASSIGN(PostgresRows rows,
              db_->query("SELECT writer FROM _leat_pipelines WHERE pipeline = $1", PostgresParameters::of(pipeline_)));
  LEAT_ASSIGN(const bool found, rows.step());
  return Status::fatal(
      fmt::format("pipeline {} of {} has been taken over by {}; only one may run it, nothing more was written here",
                  quoted(pipeline_), db_->where(), found ? short_name(rows.text(0)) : "nobody known"));
}

Status PostgresClaim::check() {
  LEAT_ASSIGN(PostgresRows rows, db_->query("SELECT sequence FROM _leat_pipelines WHERE pipeline = $1 FOR UPDATE",
                                            PostgresParameters::of(pipeline_)));
  LEAT_ASSIGN(const bool found, rows.step());
  return found && rows.integer(0) == sequence_ ? Status() : lost();
}

Status PostgresClaim::advance(int64_t next_row, double rows_per_second, int64_t now_micros) {
  PostgresParameters parameters = PostgresParameters::of(pipeline_, sequence_, next_row, rows_per_second);
  parameters.add_time(now_micros);
  LEAT_ASSIGN(const uint64_t changed,
              db_->change("UPDATE _leat_pipelines SET sequence = sequence + 1, next_row = $3, rows_per_second = $4, "
                          "committed_at = $5, last_error = NULL, error_at = NULL WHERE pipeline = $1 AND sequence = $2",
                          parameters));
  if (changed != 1) return lost();
  ++sequence_;
  next_row_ = next_row;
  return {};
}

Status PostgresClaim::release(int64_t now_micros) {
  PostgresParameters parameters = PostgresParameters::of(pipeline_, sequence_, os::self_name());
  parameters.add_time(now_micros);
  return db_
      ->change("UPDATE _leat_pipelines SET ended_at = $4 WHERE pipeline = $1 AND sequence = $2 AND writer = $3",
               parameters)
      .status()
      .clone();
}

Status PostgresClaim::note_trouble(const PostgresDatabase& db, const std::string& pipeline, const std::string& message,
                                   int64_t now_micros) {
  PostgresParameters parameters = PostgresParameters::of(pipeline, message);
  parameters.add_time(now_micros);
  return db.change("UPDATE _leat_pipelines SET last_error = $2, error_at = $3 WHERE pipeline = $1", parameters)
      .status()
      .clone();
}

}  // namespace leat
