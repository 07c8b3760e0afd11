#include "sinks/sqlite_claim.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/time.h"
#include "os/process.h"

namespace leat {
namespace {

// "pid 123 on web1" of "pid 123 on web1 (started …)".
std::string short_name(std::string_view writer) {
  return visible(writer.substr(0, writer.find(" (")));
}

Status belongs_elsewhere(const SqliteDatabase& db, const SinkPlan& plan) {
  LEAT_ASSIGN(SqliteStatement select, db.prepare("SELECT pipeline FROM _leat_pipelines WHERE table_name = ? COLLATE "
                                                 "NOCASE AND pipeline <> ?"));
  select.with(std::string_view(plan.table), std::string_view(plan.pipeline));
  LEAT_ASSIGN(const bool taken, select.step());
  if (!taken) return {};
  return Status::bad_config(
      fmt::format("{}: table {} is filled by pipeline {}, not by {}; name another table (--table)", db.where(),
                  quoted(plan.table), quoted(select.text(0)), quoted(plan.pipeline)));
}

}  // namespace

Result<std::unique_ptr<SqliteClaim>> SqliteClaim::take(const SqliteDatabase& db, const SinkPlan& plan) {
  std::unique_ptr<SqliteClaim> claim(new SqliteClaim(db, plan.pipeline));
  const std::string self = os::self_name();
  LEAT_TRY(belongs_elsewhere(db, plan));
  {
    LEAT_ASSIGN(SqliteStatement select,
                db.prepare("SELECT table_name, sequence, next_row, writer, ended_at IS NOT NULL, write_mode "
                           "FROM _leat_pipelines WHERE pipeline = ?"));
    select.with(std::string_view(plan.pipeline));
    LEAT_ASSIGN(const bool known, select.step());
    claim->is_new_ = !known;
    if (known) {
      if (select.text(0) != plan.table) {
        return Status::bad_config(
            fmt::format("{}: pipeline {} fills table {}, not {}; name that table (--table), or another database",
                        db.where(), quoted(plan.pipeline), quoted(select.text(0)), quoted(plan.table)));
      }
      if (select.text(5) != name_of(plan.mode)) {
        return Status::bad_config(
            fmt::format("{}: table {} is written with write = {}, now it would be {}; name another table, or another "
                        "database",
                        db.where(), quoted(plan.table), quoted(select.text(5)), quoted(name_of(plan.mode))));
      }
      const std::string writer = select.string(3);
      if (select.integer(4) == 0 && writer != self && os::is_alive(writer)) {
        return Status::fatal(fmt::format("pipeline {} of {} is being run by {}; stop it first", quoted(plan.pipeline),
                                         db.where(), short_name(writer)));
      }
      claim->sequence_ = select.integer(1) + 1;
      claim->next_row_ = select.integer(2);
    }
  }
  if (claim->is_new_) {
    LEAT_ASSIGN(SqliteStatement insert, db.prepare("INSERT INTO _leat_pipelines(pipeline, table_name, write_mode, "
                                                   "sequence, next_row, writer) VALUES(?, ?, ?, 0, 1, ?)"));
    LEAT_TRY(insert
                 .with(std::string_view(plan.pipeline), std::string_view(plan.table), name_of(plan.mode),
                       std::string_view(self))
                 .run());
  } else {
    LEAT_ASSIGN(SqliteStatement update,
                db.prepare("UPDATE _leat_pipelines SET sequence = ?, writer = ?, ended_at = NULL "
                           "WHERE pipeline = ?"));
    LEAT_TRY(update.with(claim->sequence_, std::string_view(self), std::string_view(plan.pipeline)).run());
  }
  LEAT_ASSIGN(claim->check_, db.prepare("SELECT sequence FROM _leat_pipelines WHERE pipeline = ?"));
  LEAT_ASSIGN(claim->advance_,
              db.prepare("UPDATE _leat_pipelines SET sequence = sequence + 1, next_row = ?, rows_per_second = ?, "
                         "committed_at = ?, last_error = NULL, error_at = NULL WHERE pipeline = ? AND sequence = ?"));
  return claim;
}

Status SqliteClaim::lost() const {
  LEAT_ASSIGN(SqliteStatement select, db_->prepare("SELECT writer FROM _leat_pipelines WHERE pipeline = ?"));
  select.with(std::string_view(pipeline_));
  LEAT_ASSIGN(const bool found, select.step());
  return Status::fatal(
      fmt::format("pipeline {} of {} has been taken over by {}; only one may run it, nothing more was "
                  "written here",
                  quoted(pipeline_), db_->where(), found ? short_name(select.text(0)) : "nobody known"));
}

Status SqliteClaim::check() {
  check_.with(std::string_view(pipeline_));
  LEAT_ASSIGN(const bool found, check_.step());
  const bool ours = found && check_.integer(0) == sequence_;
  check_.reset();
  return ours ? Status() : lost();
}

Status SqliteClaim::advance(int64_t next_row, double rows_per_second, int64_t now_micros) {
  const std::string now = format_time(now_micros);
  advance_.with(next_row, rows_per_second, std::string_view(now), std::string_view(pipeline_), sequence_);
  LEAT_TRY(advance_.run());
  if (db_->changes() != 1) return lost();
  ++sequence_;
  next_row_ = next_row;
  return {};
}

Status SqliteClaim::release(int64_t now_micros) {
  LEAT_ASSIGN(
      SqliteStatement update,
      db_->prepare("UPDATE _leat_pipelines SET ended_at = ? WHERE pipeline = ? AND sequence = ? AND writer = ?"));
  const std::string now = format_time(now_micros);
  const std::string self = os::self_name();
  return update.with(std::string_view(now), std::string_view(pipeline_), sequence_, std::string_view(self)).run();
}

Status SqliteClaim::note_trouble(const SqliteDatabase& db, const std::string& pipeline, const std::string& message,
                                 int64_t now_micros) {
  LEAT_ASSIGN(SqliteStatement update,
              db.prepare("UPDATE _leat_pipelines SET last_error = ?, error_at = ? WHERE pipeline = ?"));
  const std::string now = format_time(now_micros);
  return update.with(std::string_view(message), std::string_view(now), std::string_view(pipeline)).run();
}

}  // namespace leat
