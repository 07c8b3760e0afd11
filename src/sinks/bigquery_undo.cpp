// What BigQueryJournal does with rows that are to be taken out of the table again (docs/formats/bigquery-sink.md, "What
// comes again", "Rewind").

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"
#include "sinks/bigquery_journal.h"
#include "sinks/mend_choice.h"
#include "sinks/sqlite_layout.h"
#include "sinks/sqlite_rows.h"

namespace leat {
namespace {

// Part 0: all of them, which need not be measured.
Status put_undo(const SqliteDatabase& db, uint64_t segment, int64_t part, uint64_t from, uint64_t end) {
  LEAT_ASSIGN(
      SqliteStatement insert,
      db.prepare("INSERT INTO _leat_undo(segment, part, first_offset, end_offset, state) VALUES(?, ?, ?, ?, ?)"));
  return insert.with(segment, part, from, end, part == 0 ? std::string_view("measured") : std::string_view("waiting"))
      .run();
}

}  // namespace

// The rows of a table with a key stay: what takes their place comes, or nothing.
Status BigQueryJournal::make_void(const VoidRange& what, uint64_t segment) {
  LEAT_ASSIGN(SqliteStatement remove,
              db_->prepare("DELETE FROM _leat_rejects WHERE part = ? AND byte_offset >= ? AND byte_offset < ? "
                           "RETURNING byte_offset"));
  remove.with(what.part->id, what.from, what.end);
  Counts rejects;
  for (;;) {
    LEAT_ASSIGN(const bool row, remove.step());
    if (!row) break;
    ++rejects.rejected;
    rejects.digest += mix64(remove.number(0));
  }
  if (has_key_) return parts_->correct(*what.part, what.from, Counts().without(rejects));
  LEAT_TRY(parts_->correct(*what.part, what.from, Counts().without(what.counts)));
  if (what.counts.inserted == 0) return {};
  return put_undo(*db_, segment, what.part->id, what.from, what.end);
}

Result<bool> BigQueryJournal::is_void(const BookedPart& part, uint64_t offset) {
  LEAT_ASSIGN(SqliteStatement select,
              db_->prepare("SELECT 1 FROM _leat_undo WHERE state <> 'done' AND (part = 0 OR part = ?1 AND first_offset "
                           "<= ?2 AND end_offset > ?2)"));
  return select.with(part.id, offset).step();
}

Result<std::vector<BigQueryUndo>> BigQueryJournal::undos(const std::string& condition) {
  LEAT_ASSIGN(
      SqliteStatement select,
      db_->prepare("SELECT undo, u.segment, coalesce(p.name, ''), first_offset, end_offset, state = 'measured', "
                   "(SELECT sum(rows) FROM _leat_undo_segments AS s WHERE s.undo = u.undo), (SELECT "
                   "sum(offsets) FROM _leat_undo_segments AS s WHERE s.undo = u.undo) FROM _leat_undo AS u "
                   "LEFT JOIN _leat_parts AS p USING(part) WHERE " +
                   condition + " ORDER BY undo"));
  std::vector<BigQueryUndo> all;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return all;
    all.push_back({.number = select.integer(0),
                   .segment = select.number(1),
                   .part = select.string(2),
                   .from = select.number(3),
                   .end = select.number(4),
                   .measured = select.integer(5) != 0,
                   .tally = {select.number(6), select.number(7)}});
  }
}

Result<std::optional<BigQueryUndo>> BigQueryJournal::next_undo() {
  LEAT_ASSIGN(
      std::vector<BigQueryUndo> ready,
      undos("state <> 'done' AND NOT EXISTS (SELECT 1 FROM _leat_segments AS s WHERE s.segment <= u.segment AND "
            "s.state <> 'loaded')"));
  return ready.empty() ? std::nullopt : std::optional(std::move(ready.front()));
}

Result<bool> BigQueryJournal::is_rewinding() const {
  LEAT_ASSIGN(const int64_t waiting, db_->query_integer(fmt::format(
                                         "SELECT count(*) FROM _leat_undo WHERE state <> 'done' AND end_offset = {}",
                                         BigQueryUndo::kWholePart)));
  return waiting > 0;
}

Status BigQueryJournal::measure(const BigQueryUndo& undo, const BigQuerySegmentTallies& found) {
  LEAT_TRY(begin());
  LEAT_ASSIGN(SqliteStatement insert, db_->prepare("INSERT INTO _leat_undo_segments VALUES(?, ?, ?, ?)"));
  for (const auto& [segment, tally] : found) {
    LEAT_TRY(insert.with(undo.number, segment, tally.rows, tally.offsets).run());
  }
  LEAT_TRY(db_->execute(fmt::format("UPDATE _leat_undo SET state = 'measured' WHERE undo = {}", undo.number)));
  return db_->execute("COMMIT");
}

Status BigQueryJournal::settle(const BigQueryUndo& undo, const BigQueryDone& job) {
  LEAT_TRY(begin());
  if (undo.part.empty()) {
    LEAT_TRY(db_->execute(
        fmt::format("DELETE FROM _leat_segment_parts WHERE segment <= {0}; UPDATE _leat_segments SET rows = 0 WHERE "
                    "segment <= {0}; UPDATE _leat_jobs SET rows = 0 WHERE step = 'merge' AND segment <= {0}",
                    undo.segment)));
  } else {
    LEAT_TRY(db_->execute(fmt::format(
        "UPDATE _leat_segment_parts AS t SET rows = t.rows - u.rows, offsets = t.offsets - u.offsets FROM "
        "_leat_undo_segments AS u WHERE u.undo = {0} AND u.segment = t.segment AND t.part = (SELECT part FROM "
        "_leat_undo WHERE undo = {0}); UPDATE _leat_segments AS s SET rows = s.rows - u.rows FROM _leat_undo_segments "
        "AS u WHERE u.undo = {0} AND u.segment = s.segment",
        undo.number)));
  }
  LEAT_TRY(db_->execute(fmt::format("UPDATE _leat_undo SET state = 'done' WHERE undo = {}", undo.number)));
  LEAT_TRY(forget_parts());
  LEAT_TRY(put_job(0, job));
  return db_->execute("COMMIT");
}

// Those that are to be forgotten, and have no rows left that are to be taken out.
Status BigQueryJournal::forget_parts() {
  const std::string over =
      "part IN (SELECT part FROM _leat_forgotten AS f WHERE NOT EXISTS (SELECT 1 FROM _leat_undo AS u WHERE u.state <> "
      "'done' AND u.part IN (0, f.part)))";
  LEAT_ASSIGN(const int64_t any, db_->query_integer("SELECT count(*) FROM _leat_forgotten WHERE " + over));
  if (any == 0) return {};
  for (const char* table : {"_leat_positions", "_leat_segment_parts", "_leat_parts", "_leat_forgotten"}) {
    LEAT_TRY(db_->execute(fmt::format("DELETE FROM {} WHERE {}", table, over)));
  }
  LEAT_ASSIGN(parts_, SqliteParts::load(*db_, books_));
  return {};
}

Status BigQueryJournal::restore_undos(const MirroredBooks& books, uint64_t segment) {
  for (const BigQueryUndo& undo : books.undos) {
    int64_t part = 0;
    if (!undo.part.empty()) {
      LEAT_ASSIGN(const BookedPart* const booked, parts_->get(undo.part, ""));
      part = booked->id;
    }
    LEAT_TRY(put_undo(*db_, segment, part, undo.from, undo.end));
  }
  for (const MirroredPart& part : books.parts) {
    if (!part.forgotten) continue;
    LEAT_ASSIGN(const BookedPart* const booked, parts_->get(part.position.part, ""));
    LEAT_TRY(db_->execute(fmt::format("INSERT INTO _leat_forgotten VALUES({})", booked->id)));
  }
  return {};
}

Result<SinkPlan> BigQueryJournal::read_plan(const std::string& path, const std::string& pipeline) {
  LEAT_ASSIGN(const auto db, SqliteDatabase::open({.path = path, .vfs = ""}));
  SinkPlan plan;
  plan.pipeline = pipeline;
  LEAT_ASSIGN(SqliteStatement select, db->prepare("SELECT table_name FROM _leat_pipelines WHERE pipeline = ?"));
  LEAT_ASSIGN(const bool known, select.with(std::string_view(pipeline)).step());
  if (!known) {
    return Status::bad_config(
        fmt::format("{}: pipeline {} has not run here; there is nothing to take back", db->where(), quoted(pipeline)));
  }
  plan.table = select.string(0);
  LEAT_ASSIGN(plan.mode, read_sqlite_write_mode(*db, pipeline));
  LEAT_ASSIGN(Schema schema, read_sqlite_schema(*db, pipeline));
  plan.schema = std::make_shared<const Schema>(std::move(schema));
  LEAT_ASSIGN(plan.key, read_key(*db));
  LEAT_ASSIGN(plan.source_schema, read_sqlite_source_schema(*db, pipeline));
  return plan;
}

namespace {

class Rewinder {
 public:
  Rewinder(const SqliteDatabase& db, const SinkPlan& plan, const RewindRequest& request)
      : db_(db), plan_(plan), request_(request) {}

  Result<Undone> run() {
    LEAT_TRY(check_modes());
    LEAT_ASSIGN(const auto claim, SqliteClaim::take(db_, plan_));
    LEAT_ASSIGN(const auto parts, SqliteParts::load(db_, plan_.pipeline));
    LEAT_ASSIGN(const std::vector<const BookedPart*> chosen, choose_parts(db_.where(), *parts, request_));
    LEAT_ASSIGN(const int64_t last, db_.query_integer("SELECT max(segment) FROM _leat_segments"));
    for (const BookedPart* part : chosen) {
      LEAT_TRY(take_back(*part));
      LEAT_TRY(put_back(*part, claim->sequence()));
      if (!request_.all) LEAT_TRY(put_undo(db_, static_cast<uint64_t>(last), part->id, 0, BigQueryUndo::kWholePart));
    }
    if (request_.all) LEAT_TRY(put_undo(db_, static_cast<uint64_t>(last), 0, 0, BigQueryUndo::kWholePart));
    if (!plan_.key.empty()) {
      LEAT_ASSIGN(const int64_t rows, db_.query_integer("SELECT sum(rows) FROM _leat_jobs WHERE step = 'merge'"));
      undone_.rows = static_cast<uint64_t>(rows);
    }
    LEAT_TRY(claim->release(os::clock().now_micros()));
    undone_.parts = chosen.size();
    return undone_;
  }

 private:
  [[nodiscard]] Status check_modes() const {
    if (plan_.mode == WriteMode::replace) {
      return Status::bad_config(
          fmt::format("{}: table {} is written with write = 'replace': each run reads everything "
                      "anew and takes the place of what is there",
                      db_.where(), quoted(plan_.table)));
    }
    LEAT_TRY(check_rewind(db_.where(), plan_, request_));
    if (plan_.mode == WriteMode::append || request_.all) return {};
    return Status::bad_config(
        fmt::format("{}: table {} has a key: which rows a part has brought is not counted in "
                    "BigQuery; --all takes everything back",
                    db_.where(), quoted(plan_.table)));
  }

  Status take_back(const BookedPart& part) {
    LEAT_ASSIGN(const int64_t rows,
                db_.query_integer(fmt::format("SELECT sum(inserted) FROM _leat_ranges WHERE part = {}", part.id)));
    LEAT_TRY(db_.execute(fmt::format("DELETE FROM _leat_rejects WHERE part = {}", part.id)));
    undone_.rows += static_cast<uint64_t>(rows);
    undone_.rejects += db_.changes();
    return {};
  }

  // The books of a part: it stands at its beginning, or is forgotten when its rows are out of the table.
  Status put_back(const BookedPart& part, int64_t sequence) {
    for (const char* table : {"_leat_ranges", "_leat_provisional", "_leat_taken"}) {
      LEAT_TRY(db_.execute(fmt::format("DELETE FROM {} WHERE part = {}", table, part.id)));
    }
    const Position* const to = beginning_of(request_, part.name);
    if (to == nullptr) {
      LEAT_TRY(db_.execute(fmt::format("INSERT OR IGNORE INTO _leat_forgotten VALUES({})", part.id)));
    }
    LEAT_ASSIGN(SqliteStatement update,
                db_.prepare("UPDATE _leat_positions SET \"offset\" = 0, token = ?, sequence = ? WHERE part = ?"));
    return update.with(to == nullptr ? std::string_view() : std::string_view(to->token), sequence, part.id).run();
  }

  const SqliteDatabase& db_;
  const SinkPlan& plan_;
  const RewindRequest& request_;
  Undone undone_;
};

}  // namespace

Result<Undone> BigQueryJournal::rewind(const std::string& path, const SinkPlan& plan, const RewindRequest& request) {
  LEAT_ASSIGN(const auto db, SqliteDatabase::open({.path = path, .vfs = ""}));
  LEAT_TRY(check_sqlite_layout(*db));
  LEAT_TRY(db->execute("PRAGMA synchronous = FULL; BEGIN IMMEDIATE"));
  Result<Undone> undone = Rewinder(*db, plan, request).run();
  if (undone.ok() && !request.only_look) {
    LEAT_TRY(db->execute("COMMIT"));
  } else if (db->in_transaction()) {
    LEAT_TRY(db->execute("ROLLBACK"));
  }
  return undone;
}

}  // namespace leat
