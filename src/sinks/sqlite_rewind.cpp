#include "sinks/sqlite_rewind.h"

#include <fmt/format.h>

#include "base/text.h"
#include "db/sqlite.h"
#include "os/clock.h"
#include "sinks/mend_choice.h"
#include "sinks/sqlite_aggregates.h"
#include "sinks/sqlite_claim.h"
#include "sinks/sqlite_full_pull.h"
#include "sinks/sqlite_layout.h"
#include "sinks/sqlite_parts.h"
#include "sinks/sqlite_replace.h"

namespace leat {
namespace {

constexpr uint64_t kCacheBytes = 16 * 1024 * 1024;

class Rewinder {
 public:
  Rewinder(const SqliteDatabase& db, const RewindRequest& request) : db_(db), request_(request) {}

  Result<Undone> run() {
    LEAT_TRY(load());
    LEAT_TRY(check_rewind(db_.where(), plan_, request_));
    LEAT_ASSIGN(const auto claim, SqliteClaim::take(db_, plan_));
    LEAT_ASSIGN(parts_, SqliteParts::load(db_, plan_.pipeline));
    LEAT_ASSIGN(chosen_, choose_parts(db_.where(), *parts_, request_));
    LEAT_TRY(request_.all ? undo_all() : undo_chosen());
    for (const BookedPart* part : chosen_) LEAT_TRY(put_back(*part, claim->sequence()));
    LEAT_TRY(claim->release(os::clock().now_micros()));
    undone_.parts = chosen_.size();
    return undone_;
  }

 private:
  Status load() {
    plan_.pipeline = request_.pipeline;
    LEAT_ASSIGN(SqliteStatement select, db_.prepare("SELECT table_name FROM _leat_pipelines WHERE pipeline = ?"));
    select.with(std::string_view(plan_.pipeline));
    LEAT_ASSIGN(const bool known, select.step());
    if (!known) {
      return Status::bad_config(fmt::format("{}: pipeline {} has not run here; there is nothing to take back",
                                            db_.where(), quoted(plan_.pipeline)));
    }
    plan_.table = select.string(0);
    LEAT_ASSIGN(plan_.mode, read_sqlite_write_mode(db_, plan_.pipeline));
    LEAT_ASSIGN(Schema schema, read_sqlite_schema(db_, plan_.pipeline));
    plan_.schema = std::make_shared<const Schema>(std::move(schema));
    LEAT_ASSIGN(plan_.aggregates, read_sqlite_aggregates(db_, plan_.pipeline));
    return {};
  }

  // How many `sql` has deleted.
  Result<uint64_t> remove(const std::string& sql) {
    LEAT_TRY(db_.execute(sql));
    return db_.changes();
  }

  // A table that somebody has dropped: an empty one takes its place, as after a first run that found nothing.
  Status make_table() {
    LEAT_ASSIGN(const bool there, db_.has_table(plan_.table));
    if (there) return {};
    const bool merge = plan_.mode == WriteMode::merge;
    if (merge) LEAT_TRY(db_.execute("DROP TABLE IF EXISTS " + sql_name(before_table(plan_.table))));
    LEAT_TRY(db_.execute("DELETE FROM _leat_columns WHERE pipeline = " + sql_text(plan_.pipeline)));
    return make_row_table(db_, plan_.pipeline, plan_.table, *plan_.schema, {}, merge);
  }

  Status undo_all() {
    LEAT_TRY(make_table());
    LEAT_ASSIGN(undone_.rows, remove("DELETE FROM " + sql_name(plan_.table)));
    LEAT_ASSIGN(undone_.rejects, remove("DELETE FROM _leat_rejects WHERE pipeline = " + sql_text(plan_.pipeline)));
    if (plan_.mode == WriteMode::merge) LEAT_TRY(db_.execute("DELETE FROM " + sql_name(before_table(plan_.table))));
    LEAT_TRY(forget_sqlite_full_pull(db_, plan_.pipeline));
    if (plan_.mode == WriteMode::replace) LEAT_TRY(drop_next(db_, plan_));
    return SqliteAggregates::rebuild(db_, plan_.table, plan_.schema, plan_.aggregates, plan_.mode, nullptr)
        .status()
        .clone();
  }

  Status undo_chosen() {
    LEAT_ASSIGN(const auto aggregates, SqliteAggregates::make(db_, plan_.pipeline, plan_.table, plan_.schema,
                                                              plan_.aggregates, plan_.mode, nullptr));
    for (const BookedPart* part : chosen_) {
      const std::string of_part = fmt::format("_part = {}", part->id);
      if (!aggregates->empty()) {
        LEAT_ASSIGN(const auto reader, RowReader::make(db_, plan_.table, plan_.schema, aggregates->inputs(), of_part));
        for (;;) {
          LEAT_ASSIGN(const RecordBatch batch, reader->next());
          if (batch.rows() == 0) break;
          LEAT_TRY(aggregates->touch(batch, 0, batch.rows()));
        }
      }
      LEAT_ASSIGN(const uint64_t rows, remove(fmt::format("DELETE FROM {} WHERE {}", sql_name(plan_.table), of_part)));
      LEAT_ASSIGN(const uint64_t rejects, remove(fmt::format("DELETE FROM _leat_rejects WHERE part = {}", part->id)));
      undone_.rows += rows;
      undone_.rejects += rejects;
    }
    return aggregates->apply();
  }

  // The books of a part: it stands at its beginning, or is not known any more.
  Status put_back(const BookedPart& part, int64_t sequence) {
    for (const char* table : {"_leat_ranges", "_leat_provisional", "_leat_taken"}) {
      LEAT_TRY(db_.execute(fmt::format("DELETE FROM {} WHERE part = {}", table, part.id)));
    }
    const Position* const to = beginning_of(request_, part.name);
    if (to == nullptr) {
      LEAT_TRY(db_.execute(fmt::format("DELETE FROM _leat_positions WHERE part = {}", part.id)));
      return db_.execute(fmt::format("DELETE FROM _leat_parts WHERE part = {}", part.id));
    }
    LEAT_ASSIGN(SqliteStatement update,
                db_.prepare("UPDATE _leat_positions SET \"offset\" = 0, token = ?, sequence = ? "
                            "WHERE part = ?"));
    return update.with(std::string_view(to->token), sequence, part.id).run();
  }

  const SqliteDatabase& db_;
  const RewindRequest& request_;
  SinkPlan plan_;
  std::unique_ptr<SqliteParts> parts_;
  std::vector<const BookedPart*> chosen_;
  Undone undone_;
};

}  // namespace

Result<Undone> rewind_sqlite(const std::string& path, const RewindRequest& request) {
  LEAT_ASSIGN(const auto db, SqliteDatabase::open({.path = path, .vfs = "", .cache_bytes = kCacheBytes}));
  LEAT_TRY(check_sqlite_layout(*db));
  db->opened();
  LEAT_TRY(db->execute("PRAGMA synchronous = FULL; PRAGMA temp_store = FILE"));
  LEAT_TRY(db->execute("BEGIN IMMEDIATE"));
  Result<Undone> undone = Rewinder(*db, request).run();
  if (undone.ok() && !request.only_look) {
    LEAT_TRY(db->execute("COMMIT"));
  } else if (db->in_transaction()) {
    LEAT_TRY(db->execute("ROLLBACK"));
  }
  return undone;
}

}  // namespace leat
