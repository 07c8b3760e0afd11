#include "sinks/bigquery_journal.h"

#include <fmt/format.h>

#include <random>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "os/file_system.h"
#include "sinks/keyed_rows.h"
#include "sinks/sqlite_layout.h"
#include "sinks/sqlite_rows.h"
#include "sinks/sqlite_runs.h"

namespace leat {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS _leat_bigquery(pipeline TEXT PRIMARY KEY NOT NULL, generation TEXT NOT NULL,
  mirrored INTEGER NOT NULL DEFAULT 0, follows TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _leat_bigquery_key(position INTEGER PRIMARY KEY, column_name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS _leat_segments(segment INTEGER PRIMARY KEY, state TEXT NOT NULL, rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL, plain_bytes INTEGER NOT NULL, crc INTEGER NOT NULL, sha256 TEXT NOT NULL, fields TEXT NOT NULL,
  begun_at INTEGER NOT NULL, job TEXT, loaded_at TEXT);
CREATE TABLE IF NOT EXISTS _leat_segment_parts(segment INTEGER NOT NULL, part INTEGER NOT NULL, rows INTEGER NOT NULL,
  offsets INTEGER NOT NULL, PRIMARY KEY(segment, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _leat_jobs(job TEXT PRIMARY KEY NOT NULL, segment INTEGER NOT NULL, step TEXT NOT NULL,
  project TEXT NOT NULL, location TEXT NOT NULL, rows INTEGER NOT NULL, bytes_billed INTEGER NOT NULL, ended_at TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _leat_complete_pulls(pipeline TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _leat_partitions(pipeline TEXT NOT NULL, begins INTEGER, PRIMARY KEY(pipeline, begins));
CREATE TABLE IF NOT EXISTS _leat_undo(undo INTEGER PRIMARY KEY AUTOINCREMENT, segment INTEGER NOT NULL, part INTEGER NOT NULL, first_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL,
  state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS _leat_forgotten(part INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS _leat_undo_segments(undo INTEGER NOT NULL, segment INTEGER NOT NULL, rows INTEGER NOT NULL,
  offsets INTEGER NOT NULL, PRIMARY KEY(undo, segment)) WITHOUT ROWID;
)";

constexpr uint64_t kTimeoutMs = 5000;
constexpr uint64_t kTroubleTimeoutMs = 250;

SqliteOpen options_of(const std::string& path, uint64_t busy_timeout_ms = kTimeoutMs) {
  SqliteOpen options;
  options.path = path;
  options.busy_timeout_ms = busy_timeout_ms;
  return options;
}

}  // namespace

Result<std::unique_ptr<BigQueryJournal>> BigQueryJournal::open(const std::string& path, const SinkPlan& plan,
                                                               os::Clock& clock) {
  LEAT_ASSIGN(auto db, SqliteDatabase::open(options_of(path)));
  std::unique_ptr<BigQueryJournal> journal(new BigQueryJournal(std::move(db), plan.pipeline, clock));
  LEAT_TRY(journal->set_up(plan));
  return journal;
}

BigQueryJournal::~BigQueryJournal() {
  if (db_->in_transaction()) {
    const Status ignored = db_->execute("ROLLBACK");  // closing would do the same
  }
}

Status BigQueryJournal::set_up(const SinkPlan& plan) {
  LEAT_TRY(db_->execute("PRAGMA synchronous = FULL; BEGIN IMMEDIATE"));
  db_->opened();
  LEAT_TRY(make_sqlite_layout(*db_, clock_.now_micros()));
  LEAT_TRY(db_->execute(kTables));
  LEAT_ASSIGN(claim_, SqliteClaim::take(*db_, plan));
  LEAT_TRY(keep_sqlite_source_schema(*db_, plan.pipeline, plan.source_schema));
  LEAT_TRY(keep_sqlite_columns(*db_, plan.pipeline, *plan.schema));
  books_ = plan.mode == WriteMode::replace ? next_pipeline(pipeline_) : pipeline_;
  LEAT_ASSIGN(parts_, SqliteParts::load(*db_, books_));
  LEAT_ASSIGN(SqliteStatement insert,
              db_->prepare("INSERT OR IGNORE INTO _leat_bigquery(pipeline, generation) VALUES(?, ?)"));
  LEAT_TRY(insert.with(std::string_view(pipeline_), std::string_view(new_bigquery_generation())).run());
  LEAT_ASSIGN(SqliteStatement select,
              db_->prepare("SELECT generation, follows FROM _leat_bigquery WHERE pipeline = ?"));
  LEAT_TRY(select.with(std::string_view(pipeline_)).step().status().clone());
  generation_ = select.string(0);
  follows_ = select.string(1);
  select.reset();
  LEAT_TRY(keep_key(plan));
  has_key_ = !plan.key.empty();
  LEAT_TRY(db_->execute("COMMIT"));
  LEAT_ASSIGN(insert_reject_, db_->prepare("INSERT INTO _leat_rejects VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  LEAT_ASSIGN(put_segment_,
              db_->prepare("INSERT OR REPLACE INTO _leat_segments VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, "
                           "NULL)"));
  LEAT_ASSIGN(put_tally_,
              db_->prepare("INSERT INTO _leat_segment_parts VALUES(?, ?, ?, ?) ON CONFLICT(segment, part) DO UPDATE "
                           "SET rows = rows + excluded.rows, offsets = offsets + excluded.offsets"));
  return {};
}

// The table's key is what it was when the first rows came.
Status BigQueryJournal::keep_key(const SinkPlan& plan) {
  LEAT_ASSIGN(const bool empty, is_empty());
  if (!empty) {
    LEAT_ASSIGN(const std::vector<std::string> there, read_key(*db_));
    return check_key(db_->where(), plan, there, "pipeline");
  }
  LEAT_TRY(db_->execute("DELETE FROM _leat_bigquery_key"));
  LEAT_ASSIGN(SqliteStatement insert, db_->prepare("INSERT INTO _leat_bigquery_key(column_name) VALUES(?)"));
  for (const std::string& column : plan.key) LEAT_TRY(insert.with(std::string_view(column)).run());
  return {};
}

Result<std::vector<std::string>> BigQueryJournal::read_key(const SqliteDatabase& db) {
  LEAT_ASSIGN(SqliteStatement select, db.prepare("SELECT column_name FROM _leat_bigquery_key ORDER BY position"));
  std::vector<std::string> key;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return key;
    key.push_back(select.string(0));
  }
}

Result<std::vector<BigQuerySegment>> BigQueryJournal::segments() {
  LEAT_ASSIGN(
      SqliteStatement select,
      db_->prepare("SELECT segment, state = 'sealed', rows, bytes, plain_bytes, crc, sha256, fields, begun_at FROM "
                   "_leat_segments WHERE state <> 'loaded' ORDER BY state <> 'sealed', segment"));
  std::vector<BigQuerySegment> all;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return all;
    all.push_back({.number = select.number(0),
                   .sealed = select.integer(1) != 0,
                   .rows = select.number(2),
                   .bytes = select.number(3),
                   .plain_bytes = select.number(4),
                   .crc = static_cast<uint32_t>(select.number(5)),
                   .sha256 = select.string(6),
                   .fields = select.string(7),
                   .begun_micros = select.integer(8)});
  }
}

Result<uint64_t> BigQueryJournal::next_segment() {
  LEAT_ASSIGN(const int64_t last, db_->query_integer("SELECT max(segment) FROM _leat_segments"));
  return static_cast<uint64_t>(last) + 1;
}

Result<uint64_t> BigQueryJournal::mirrored() const {
  LEAT_ASSIGN(const int64_t segment, db_->query_integer("SELECT max(mirrored) FROM _leat_bigquery"));
  return static_cast<uint64_t>(segment);
}

Result<bool> BigQueryJournal::is_empty() {
  LEAT_ASSIGN(const int64_t segments, db_->query_integer("SELECT count(*) FROM _leat_segments"));
  return segments == 0 && parts_->all().empty();
}

Result<MirroredBooks> BigQueryJournal::books() {
  MirroredBooks books;
  books.pipeline = pipeline_;
  LEAT_ASSIGN(SqliteStatement tally,
              db_->prepare("SELECT sum(rows), sum(offsets) FROM _leat_segment_parts WHERE part = ?"));
  LEAT_ASSIGN(SqliteStatement forgotten, db_->prepare("SELECT 1 FROM _leat_forgotten WHERE part = ?"));
  LEAT_ASSIGN(SqliteStatement ranges, db_->prepare("SELECT start, \"end\", inserted, filtered, rejected, digest, gap "
                                                   "FROM _leat_ranges WHERE part = ? ORDER BY start"));
  for (const auto& booked : parts_->all()) {
    MirroredPart& part = books.parts.emplace_back();
    part.position = {booked->name, booked->origin, booked->end, booked->token};
    LEAT_TRY(tally.with(booked->id).step().status().clone());
    part.tally = {tally.number(0), tally.number(1)};
    tally.reset();
    LEAT_ASSIGN(part.forgotten, forgotten.with(booked->id).step());
    forgotten.reset();
    ranges.with(booked->id);
    for (;;) {
      LEAT_ASSIGN(const bool row, ranges.step());
      if (!row) break;
      Range& range = part.ranges.emplace_back();
      range.part = booked->name;
      range.start = ranges.number(0);
      range.end = ranges.number(1);
      range.counts = {.inserted = ranges.number(2),
                      .filtered = ranges.number(3),
                      .rejected = ranges.number(4),
                      .digest = ranges.number(5)};
      range.gap = ranges.integer(6) != 0;
    }
    ranges.reset();
  }
  LEAT_ASSIGN(books.undos, undos("state <> 'done'"));
  return books;
}

Status BigQueryJournal::restore(const BigQueryMirror& mirror) {
  LEAT_TRY(begin());
  BigQuerySegment segment;
  segment.number = mirror.segment;
  BigQueryTallies tallies;
  for (const MirroredPart& part : mirror.books->parts) {
    LEAT_TRY(parts_->get(part.position.part, part.position.origin).status().clone());
    Ranges ranges = part.ranges;
    for (Range& range : ranges) {
      range.fresh = range.start > 0;  // those that are apart stay so
      range.counts.filtered += range.counts.rejected;
      range.counts.rejected = 0;
    }
    LEAT_TRY(parts_->add(ranges).status().clone());
    LEAT_TRY(parts_->move({part.position}, claim_->sequence() + 1));
    tallies[part.position.part] = part.tally;
    segment.rows += part.tally.rows;
  }
  if (mirror.segment > 0) {
    LEAT_TRY(put(segment));
    LEAT_TRY(
        db_->execute(fmt::format("UPDATE _leat_segments SET state = 'loaded' WHERE segment = {}", mirror.segment)));
    LEAT_TRY(put(mirror.segment, tallies));
  }
  LEAT_TRY(restore_undos(*mirror.books, mirror.segment));
  LEAT_ASSIGN(SqliteStatement update,
              db_->prepare("UPDATE _leat_bigquery SET mirrored = ?, follows = ? WHERE pipeline = ?"));
  LEAT_TRY(update.with(mirror.segment, std::string_view(mirror.generation), std::string_view(pipeline_)).run());
  LEAT_TRY(claim_->advance(claim_->next_row(), 0, clock_.now_micros()));
  LEAT_TRY(db_->execute("COMMIT"));
  follows_ = mirror.generation;
  return {};
}

Status BigQueryJournal::begin() {
  if (db_->in_transaction()) return {};
  LEAT_TRY(db_->execute("BEGIN IMMEDIATE"));
  LEAT_TRY(claim_->check());
  LEAT_ASSIGN(const int64_t last_reject, db_->query_integer("SELECT max(reject) FROM _leat_rejects"));
  next_reject_ = last_reject + 1;
  return {};
}

Status BigQueryJournal::add_rejects(const Rejects& rejects) {
  const std::string now = format_time(clock_.now_micros());
  for (const Reject& reject : rejects) {
    LEAT_ASSIGN(const BookedPart* part, parts_->get(reject.part, reject.origin));
    const std::string hash = hex(reject.raw_hash);
    insert_reject_.with(next_reject_++, std::string_view(books_), part->id, std::string_view(reject.origin),
                        reject.byte_offset, reject.line, std::string_view(reject.column),
                        std::string_view(reject.reason), nullptr, reject.raw_length, std::string_view(hash),
                        std::string_view(now));
    insert_reject_.bind_bytes(9, reject.raw);
    LEAT_TRY(insert_reject_.run());
  }
  return {};
}

Status BigQueryJournal::put(const BigQuerySegment& segment) {
  return put_segment_
      .with(segment.number, segment.sealed ? std::string_view("sealed") : std::string_view("open"), segment.rows,
            segment.bytes, segment.plain_bytes, uint64_t{segment.crc}, std::string_view(segment.sha256),
            std::string_view(segment.fields), segment.begun_micros)
      .run();
}

Result<std::optional<TakenReject>> BigQueryJournal::take_reject(int64_t reject, bool filtered) {
  LEAT_TRY(begin());
  LEAT_ASSIGN(SqliteStatement take,
              db_->prepare("DELETE FROM _leat_rejects WHERE reject = ? AND pipeline = ? RETURNING part, byte_offset"));
  LEAT_ASSIGN(const bool found, take.with(reject, std::string_view(pipeline_)).step());
  if (!found) return std::optional<TakenReject>();
  BookedPart* const part = parts_->with_id(take.integer(0));
  const uint64_t offset = take.number(1);
  take.reset();
  if (part == nullptr) {
    return Status::fatal(fmt::format("{}: reject {} is of no part of pipeline {}; see `leat verify`", db_->where(),
                                     reject, quoted(pipeline_)));
  }
  Counts change = {.rejected = UINT64_MAX};  // one less
  (filtered ? change.filtered : change.inserted) = 1;
  if (filtered) change.digest = uint64_t{0} - mix64(offset);
  LEAT_TRY(parts_->correct(*part, offset, change));
  return std::optional<TakenReject>({.part = part->name, .offset = offset});
}

Status BigQueryJournal::put(uint64_t segment, const BigQueryTallies& written) {
  for (const auto& [name, tally] : written) {
    LEAT_ASSIGN(const BookedPart* const part, parts_->get(name, ""));
    LEAT_TRY(put_tally_.with(segment, part->id, tally.rows, tally.offsets).run());
  }
  return {};
}

Status BigQueryJournal::commit(const Positions& moved, const Ranges& ranges, const BigQuerySegment* open,
                               const BigQueryTallies& written, double rows_per_second) {
  LEAT_TRY(begin());
  // A part that only moves may be new.
  for (const Position& position : moved) LEAT_TRY(parts_->get(position.part, position.origin).status().clone());
  LEAT_ASSIGN(const std::vector<VoidRange> voids, parts_->add(ranges));
  LEAT_TRY(parts_->move(moved, claim_->sequence() + 1));
  if (open != nullptr) {
    LEAT_TRY(put(*open));
    LEAT_TRY(put(open->number, written));
  }
  LEAT_ASSIGN(const uint64_t next, next_segment());
  for (const VoidRange& each : voids) LEAT_TRY(make_void(each, next - 1));
  LEAT_TRY(claim_->advance(claim_->next_row(), rows_per_second, clock_.now_micros()));
  return db_->execute("COMMIT");
}

Status BigQueryJournal::put_job(uint64_t segment, const BigQueryDone& done) {
  LEAT_ASSIGN(SqliteStatement put, db_->prepare("INSERT OR REPLACE INTO _leat_jobs VALUES(?, ?, ?, ?, ?, ?, ?, ?)"));
  const std::string now = format_time(clock_.now_micros());
  return put
      .with(std::string_view(done.job.id), segment, std::string_view(done.step), std::string_view(done.job.project),
            std::string_view(done.job.location), done.job.output_rows, done.job.bytes_billed, std::string_view(now))
      .run();
}

Status BigQueryJournal::seal(const BigQuerySegment& segment) {
  LEAT_TRY(begin());
  LEAT_TRY(put(segment));
  return db_->execute("COMMIT");
}

Status BigQueryJournal::settle(uint64_t segment, const std::vector<BigQueryDone>& jobs,
                               const std::vector<RefusedRow>& refused) {
  LEAT_TRY(begin());
  const std::string now = format_time(clock_.now_micros());
  for (const BigQueryDone& done : jobs) LEAT_TRY(put_job(segment, done));
  LEAT_TRY(refuse(segment, refused));
  LEAT_ASSIGN(SqliteStatement update,
              db_->prepare("UPDATE _leat_segments SET state = 'loaded', rows = rows - ?, job = ?, loaded_at = ? WHERE "
                           "segment = ?"));
  const std::string last = jobs.empty() ? "" : jobs.back().job.id;
  LEAT_TRY(
      update.with(static_cast<uint64_t>(refused.size()), std::string_view(last), std::string_view(now), segment).run());
  return db_->execute("COMMIT");
}

// Rows that were counted as inserted are rejects.
Status BigQueryJournal::refuse(uint64_t segment, const std::vector<RefusedRow>& refused) {
  Rejects rejects;
  BigQueryTallies gone;
  for (const RefusedRow& row : refused) {
    LEAT_ASSIGN(BookedPart* const part, parts_->get(row.part, ""));
    BigQueryTally& tally = gone[part->name];
    tally.rows -= 1;
    tally.offsets -= row.offset % BigQueryTally::kModulus;
    LEAT_ASSIGN(const bool was_void, is_void(*part, row.offset));
    if (was_void) continue;
    LEAT_TRY(parts_->correct(*part, row.offset, {.inserted = UINT64_MAX, .rejected = 1}));  // one less, one more
    rejects.push_back(make_reject(part->name, part->origin, row.offset, 0, row.column, row.reason, row.raw));
  }
  LEAT_TRY(put(segment, gone));
  return add_rejects(rejects);
}

Status BigQueryJournal::release() {
  LEAT_TRY(begin());
  LEAT_TRY(claim_->release(clock_.now_micros()));
  return db_->execute("COMMIT");
}

namespace {

// Null: there is no file, or nothing is in it yet.
Result<std::unique_ptr<SqliteDatabase>> open_known(const std::string& path, uint64_t busy_timeout_ms) {
  LEAT_ASSIGN(const auto file, os::file_system().info(path, os::Links::follow));
  if (!file) return std::unique_ptr<SqliteDatabase>();
  LEAT_ASSIGN(auto db, SqliteDatabase::open(options_of(path, busy_timeout_ms)));
  LEAT_ASSIGN(const bool ours, db->has_table("_leat_meta"));
  if (!ours) db.reset();
  return db;
}

}  // namespace

Result<std::string> BigQueryJournal::source_schema(const std::string& path, const std::string& pipeline) {
  LEAT_ASSIGN(const auto db, open_known(path, kTimeoutMs));
  return db == nullptr ? std::string() : read_sqlite_source_schema(*db, pipeline);
}

Result<std::optional<PipelineRun>> BigQueryJournal::last_run(const std::string& path, const std::string& pipeline) {
  LEAT_ASSIGN(const auto db, open_known(path, kTimeoutMs));
  return db == nullptr ? std::optional<PipelineRun>() : read_sqlite_run(*db, pipeline);
}

Status BigQueryJournal::keep_run(const std::string& path, const std::string& pipeline, const PipelineRun& run) {
  LEAT_ASSIGN(const auto db, open_known(path, kTimeoutMs));
  return db == nullptr ? Status() : keep_sqlite_run(*db, pipeline, run);
}

Status BigQueryJournal::note_trouble(const std::string& path, const std::string& pipeline, const std::string& message,
                                     os::Clock& clock) {
  LEAT_ASSIGN(const auto db, open_known(path, kTroubleTimeoutMs));
  return db == nullptr ? Status() : SqliteClaim::note_trouble(*db, pipeline, message, clock.now_micros());
}

}  // namespace leat
