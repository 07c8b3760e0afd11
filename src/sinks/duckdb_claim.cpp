#include "sinks/duckdb_claim.h"

#include <fmt/format.h>

#include "base/text.h"
#include "os/process.h"

namespace leat {
namespace {

// "pid 123 on web1" of "pid 123 on web1 (started …)".
std::string short_name(std::string_view writer) {
  return visible(writer.substr(0, writer.find(" (")));
}

}  // namespace

Result<std::unique_ptr<DuckDbClaim>> DuckDbClaim::take(const DuckDb& db, const SinkPlan& plan) {
  std::unique_ptr<DuckDbClaim> claim(new DuckDbClaim(db, plan.pipeline));
  const std::string self = os::self_name();
  LEAT_ASSIGN(DuckDbRows other,
              db.query("SELECT pipeline FROM _leat_pipelines WHERE lower(table_name) = lower($1) AND pipeline <> $2",
                       plan.table, plan.pipeline));
  LEAT_ASSIGN(const bool taken, other.step());
  if (taken) {
    return Status::bad_config(
        fmt::format("{}: table {} is filled by pipeline {}, not by {}; name another table (--table)", db.where(),
                    quoted(plan.table), quoted(other.text(0)), quoted(plan.pipeline)));
  }
  LEAT_ASSIGN(DuckDbRows known,
              db.query("SELECT table_name, sequence, next_row, write_mode FROM _leat_pipelines WHERE pipeline = $1",
                       plan.pipeline));
  LEAT_ASSIGN(const bool is_known, known.step());
  if (!is_known) {
    LEAT_TRY(db.change("INSERT INTO _leat_pipelines(pipeline, table_name, write_mode, sequence, next_row, writer) "
                       "VALUES($1, $2, $3, 0, 1, $4)",
                       plan.pipeline, plan.table, name_of(plan.mode), self)
                 .status()
                 .clone());
    return claim;
  }
  if (known.text(0) != plan.table) {
    return Status::bad_config(
        fmt::format("{}: pipeline {} fills table {}, not {}; name that table (--table), or another database",
                    db.where(), quoted(plan.pipeline), quoted(known.text(0)), quoted(plan.table)));
  }
  if (known.text(3) != name_of(plan.mode)) {
    return Status::bad_config(fmt::format(
        "{}: table {} is written with write = {}, now it would be {}; name another table, or another database",
        db.where(), quoted(plan.table), quoted(known.text(3)), quoted(name_of(plan.mode))));
  }
  claim->sequence_ = known.integer(1) + 1;
  claim->next_row_ = known.integer(2);
  LEAT_TRY(db.change("UPDATE _leat_pipelines SET sequence = $2, writer = $3, ended_at = NULL WHERE pipeline = $1",
                     plan.pipeline, claim->sequence_, self)
               .status()
               .clone());
  return claim;
}

Status DuckDbClaim::lost() const {
  LEAT_ASSIGN(DuckDbRows rows, db_->query("SELECT writer FROM _leat_pipelines WHERE pipeline = $1", pipeline_));
  LEAT_ASSIGN(const bool found, rows.step());
  return Status::fatal(
      fmt::format("pipeline {} of {} has been taken over by {}; only one may run it, nothing more was written here",
                  quoted(pipeline_), db_->where(), found ? short_name(rows.text(0)) : "nobody known"));
}

Status DuckDbClaim::check() {
  LEAT_ASSIGN(DuckDbRows rows, db_->query("SELECT sequence FROM _leat_pipelines WHERE pipeline = $1", pipeline_));
  LEAT_ASSIGN(const bool found, rows.step());
  return found && rows.integer(0) == sequence_ ? Status() : lost();
}

Status DuckDbClaim::advance(int64_t next_row, double rows_per_second, int64_t now_micros) {
  LEAT_ASSIGN(const uint64_t changed,
              db_->change("UPDATE _leat_pipelines SET sequence = sequence + 1, next_row = $3, rows_per_second = $4, "
                          "committed_at = $5, last_error = NULL, error_at = NULL WHERE pipeline = $1 AND sequence = $2",
                          pipeline_, sequence_, next_row, rows_per_second, DuckDbTime{now_micros}));
  if (changed != 1) return lost();
  ++sequence_;
  next_row_ = next_row;
  return {};
}

Status DuckDbClaim::release(int64_t now_micros) {
  return db_
      ->change("UPDATE _leat_pipelines SET ended_at = $4 WHERE pipeline = $1 AND sequence = $2 AND writer = $3",
               pipeline_, sequence_, os::self_name(), DuckDbTime{now_micros})
      .status()
      .clone();
}

Status DuckDbClaim::note_trouble(const DuckDb& db, const std::string& pipeline, const std::string& message,
                                 int64_t now_micros) {
  return db
      .change("UPDATE _leat_pipelines SET last_error = $2, error_at = $3 WHERE pipeline = $1", pipeline,
              visible(message, message.size() * 4), DuckDbTime{now_micros})
      .status()
      .clone();
}

}  // namespace leat
