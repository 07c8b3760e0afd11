#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "base/time.h"
#include "db/sqlite.h"
#include "os/file_system.h"
#include "sinks/sqlite.h"
#include "sinks/sqlite_aggregates.h"
#include "sinks/sqlite_claim.h"
#include "sinks/sqlite_layout.h"
#include "sinks/sqlite_parts.h"
#include "sinks/sqlite_rows.h"

namespace leat {
namespace {

// docs/decisions/0002-sqlite-settings.md has the measurements.
constexpr int kPageBytes = 8192;
// Length of the write-ahead log before it is copied into the database.
constexpr int kCheckpointPages = 2048;

uint64_t content_of(const RecordBatch& batch, size_t row) {
  uint64_t hash = hash64("row", batch.origin_of(row).line);
  const std::vector<Field>& fields = batch.schema().fields;
  for (size_t c = 0; c < fields.size(); ++c) {
    hash = hash64(fields[c].name, hash + (batch.is_null(c, row) ? 1 : 0));
    if (fields[c].type == Type::text || fields[c].type == Type::json) {
      hash = hash64(batch.text(c, row), hash);
    } else {
      hash = mix64(hash ^ batch.cell(c, row));
    }
  }
  return hash;
}

uint64_t content_of(const Reject& reject) {
  return hash64(reject.reason, reject.raw_hash.high ^ reject.raw_hash.low ^ reject.line);
}

class SqliteSink final : public Sink {
 public:
  SqliteSink(SqliteOptions options, os::Clock& clock, Note note)
      : options_(std::move(options)), clock_(clock), note_(std::move(note)) {}
  ~SqliteSink() override { let_go(); }

  Result<std::string> source_schema(const std::string& pipeline) override;
  Result<Positions> open(const SinkPlan& plan) override;
  Result<Written> write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) override;
  Status commit(const Positions& moved, const Ranges& ranges) override;
  void rollback() noexcept override { close(); }
  Status finish() override;
  void note_trouble(const std::string& message) noexcept override;

 private:
  enum class State : uint8_t { closed, ready, writing, broken };

  Result<std::unique_ptr<SqliteDatabase>> connect(uint64_t busy_timeout_ms) const;
  Status prepare(const SinkPlan& plan);
  Status make_tables(const SinkPlan& plan);
  Status begin();
  Result<Written> write_all(SqlitePart& part, const RecordBatch& batch, size_t first, size_t count,
                            const Rejects& rejects);
  Status write_rejects(const Rejects& rejects, size_t from);
  Status undo(SqlitePart& part);
  Status commit_all(const Positions& moved, const Ranges& ranges);
  Status check_file();
  Status fail(Status status);
  void close() noexcept;
  void let_go() noexcept;

  SqliteOptions options_;
  os::Clock& clock_;
  Note note_;

  State state_ = State::closed;
  std::string pipeline_;
  std::string table_;
  SchemaPtr schema_;
  std::unique_ptr<SqliteDatabase> db_;  // before all that has statements on it
  std::unique_ptr<SqliteClaim> claim_;
  std::unique_ptr<SqliteParts> parts_;
  std::unique_ptr<RowWriter> rows_;
  std::unique_ptr<SqliteAggregates> aggregates_;
  SqliteStatement begin_;
  SqliteStatement commit_;
  SqliteStatement savepoint_;
  SqliteStatement release_;
  SqliteStatement back_;
  SqliteStatement insert_reject_;
  std::optional<os::FileInfo> file_;
  int64_t next_row_ = 1;
  int64_t data_version_ = -1;  // changes when another connection has committed
  int64_t next_reject_ = 1;
  uint64_t rows_in_commit_ = 0;
  uint64_t last_commit_ms_ = 0;
};

Result<std::unique_ptr<SqliteDatabase>> SqliteSink::connect(uint64_t busy_timeout_ms) const {
  return SqliteDatabase::open({.path = options_.path,
                               .vfs = options_.vfs,
                               .read_only = false,
                               .cache_bytes = options_.cache_bytes,
                               .busy_timeout_ms = busy_timeout_ms});
}

Result<std::string> SqliteSink::source_schema(const std::string& pipeline) {
  LEAT_ASSIGN(const auto file, os::file_system().info(options_.path, os::Links::follow));
  if (!file) return std::string();
  LEAT_ASSIGN(const auto db, connect(options_.busy_timeout_ms));
  return read_sqlite_source_schema(*db, pipeline);
}

Result<Positions> SqliteSink::open(const SinkPlan& plan) {
  close();
  pipeline_ = plan.pipeline;
  table_ = plan.table;
  schema_ = plan.schema;
  LEAT_ASSIGN(db_, connect(options_.busy_timeout_ms));
  Status outcome = prepare(plan);
  if (!outcome.ok()) {
    close();
    return outcome;
  }
  state_ = State::ready;
  last_commit_ms_ = clock_.steady_ms();
  return parts_->positions();
}

Status SqliteSink::prepare(const SinkPlan& plan) {
  // Of a new file only; that of others stays as it is.
  LEAT_TRY(db_->execute(fmt::format("PRAGMA page_size = {}", kPageBytes)));
  {
    LEAT_ASSIGN(SqliteStatement mode, db_->prepare("PRAGMA journal_mode = WAL"));
    LEAT_ASSIGN(const bool row, mode.step());
    if (!row || mode.text(0) != "wal") {
      return Status::bad_config(
          fmt::format("{}: cannot use write-ahead logging (the file system must support shared "
                      "memory, which network file systems do not); name a file elsewhere",
                      db_->where()));
    }
  }
  db_->opened();
  LEAT_TRY(
      db_->execute(fmt::format("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; "
                               "PRAGMA wal_autocheckpoint = {}; PRAGMA journal_size_limit = {}",
                               kCheckpointPages, kCheckpointPages * 2 * kPageBytes)));
  LEAT_ASSIGN(begin_, db_->prepare("BEGIN IMMEDIATE"));
  LEAT_ASSIGN(commit_, db_->prepare("COMMIT"));
  LEAT_ASSIGN(savepoint_, db_->prepare("SAVEPOINT leat_write"));
  LEAT_ASSIGN(release_, db_->prepare("RELEASE leat_write"));
  LEAT_ASSIGN(back_, db_->prepare("ROLLBACK TO leat_write"));
  LEAT_TRY(begin_.run());
  LEAT_TRY(make_tables(plan));
  LEAT_TRY(commit_.run());
  LEAT_ASSIGN(file_, os::file_system().info(options_.path, os::Links::follow));
  return {};
}

Status SqliteSink::make_tables(const SinkPlan& plan) {
  LEAT_TRY(make_sqlite_layout(*db_, clock_.now_micros()));
  LEAT_ASSIGN(claim_, SqliteClaim::take(*db_, plan));
  LEAT_ASSIGN(const Schema known, read_sqlite_schema(*db_, plan.pipeline));
  LEAT_TRY(keep_sqlite_source_schema(*db_, plan.pipeline, plan.source_schema));
  LEAT_TRY(make_row_table(*db_, plan.pipeline, plan.table, *plan.schema, known));
  LEAT_ASSIGN(const int64_t last_row, db_->query_integer("SELECT max(_row) FROM " + sql_name(plan.table)));
  if (last_row >= claim_->next_row()) {
    return Status::fatal(
        fmt::format("{}: table {} has a row with _row {} that leat has not written; delete it, see "
                    "`leat verify`",
                    db_->where(), quoted(plan.table), last_row));
  }
  LEAT_ASSIGN(parts_, SqliteParts::load(*db_, plan.pipeline));
  LEAT_ASSIGN(aggregates_,
              SqliteAggregates::make(*db_, plan.pipeline, plan.table, plan.schema, plan.aggregates, note_));
  LEAT_ASSIGN(rows_, RowWriter::make(*db_, plan.table, plan.schema));
  LEAT_ASSIGN(insert_reject_, db_->prepare("INSERT INTO _leat_rejects VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  LEAT_ASSIGN(const int64_t last_reject, db_->query_integer("SELECT max(reject) FROM _leat_rejects"));
  next_reject_ = last_reject + 1;
  next_row_ = claim_->next_row();
  return {};
}

Status SqliteSink::fail(Status status) {
  if (status.kind() != Kind::bad_data) {
    state_ = State::broken;
    if (db_ != nullptr && db_->in_transaction()) {
      // Nobody is to wait for a lock of ours; closing would do the same.
      const Status ignored = db_->execute("ROLLBACK");
    }
  } else if (db_ != nullptr && !db_->in_transaction()) {
    state_ = State::broken;
    return Status::fatal(
        fmt::format("{}; and a trigger or constraint undoes the whole transaction, which leat cannot "
                    "work with: remove it",
                    status.message()));
  }
  return status;
}

// A file that was deleted or replaced would take commits that nobody can ever read.
Status SqliteSink::check_file() {
  LEAT_ASSIGN(const std::optional<os::FileInfo> now, os::file_system().info(options_.path, os::Links::follow));
  if (now && file_ && now->device == file_->device && now->inode == file_->inode) return {};
  return Status::fatal(
      fmt::format("{}: was moved, deleted or replaced while leat wrote to it; put it back and start "
                  "again",
                  db_->where()));
}

Status SqliteSink::begin() {
  if (state_ == State::writing) return {};
  if (state_ != State::ready) return Status::bug(visible(options_.path) + ": written to while it is not open");
  LEAT_TRY(check_file());
  LEAT_TRY(begin_.run());
  LEAT_TRY(claim_->check());
  LEAT_ASSIGN(const int64_t version, db_->query_integer("PRAGMA data_version"));
  if (version != data_version_) aggregates_->forget_rows();
  data_version_ = version;
  // Another pipeline may have added rejects since.
  LEAT_ASSIGN(const int64_t last_reject, db_->query_integer("SELECT max(reject) FROM _leat_rejects"));
  next_reject_ = last_reject + 1;
  state_ = State::writing;
  return {};
}

Result<Written> SqliteSink::write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) {
  if (count == 0 && rejects.empty()) return Written{};
  if (Status begun = begin(); !begun.ok()) return fail(std::move(begun));
  if (batch.schema_ptr() != schema_ && batch.schema() != *schema_) {
    return fail(Status::bug(db_->where() + ": a batch has other columns than the pipeline was opened with"));
  }
  Result<SqlitePart*> part = parts_->get(batch.part, batch.origin);
  if (!part.ok()) return fail(std::move(part).status());
  // Parts are made outside of the savepoint: those in memory do not go back with it.
  for (const Reject& reject : rejects) {
    if (reject.part == batch.part) continue;
    if (Result<SqlitePart*> other = parts_->get(reject.part, reject.origin); !other.ok()) {
      return fail(std::move(other).status());
    }
  }
  const std::optional<SqliteProvisional> provisional = (*part)->provisional;
  const int64_t next_row = next_row_;
  const int64_t next_reject = next_reject_;
  if (Status started = savepoint_.run(); !started.ok()) return fail(std::move(started));
  Result<Written> written = write_all(**part, batch, first, count, rejects);
  if (!written.ok()) {
    Status failed = fail(std::move(written).status());
    if (failed.kind() != Kind::bad_data) return failed;
    if (Status back = back_.run(); !back.ok()) return fail(std::move(back));
    (*part)->provisional = provisional;
    next_row_ = next_row;
    next_reject_ = next_reject;
    written = std::move(failed);
  }
  if (Status released = release_.run(); !released.ok()) return fail(std::move(released));
  return written;
}

Result<Written> SqliteSink::write_all(SqlitePart& part, const RecordBatch& batch, size_t first, size_t count,
                                      const Rejects& rejects) {
  uint64_t begin = UINT64_MAX;
  if (count > 0) begin = batch.origin_of(first).offset;
  for (const Reject& reject : rejects) begin = std::min(begin, reject.byte_offset);

  // Does the provisional record stand as it is, was it longer in the end, or is it not concerned?
  size_t kept_rows = 0;
  size_t kept_rejects = 0;
  std::optional<SqliteProvisional> old = part.provisional;
  if (old && begin >= old->start) {
    if (begin == old->start && old->inserted == 1 && old->rejected == 0 && count > 0 &&
        batch.origin_of(first).offset == begin && content_of(batch, first) == old->content) {
      kept_rows = 1;
    } else if (begin == old->start && old->inserted == 0 && old->rejected == 1 && !rejects.empty() &&
               rejects.front().byte_offset == begin && content_of(rejects.front()) == old->content) {
      kept_rejects = 1;
    } else {
      LEAT_TRY(undo(part));
    }
    LEAT_TRY(parts_->forget_provisional(part));
  } else {
    old.reset();
  }

  const int64_t first_row = kept_rows > 0 ? old->first_row : next_row_;
  const int64_t first_reject = kept_rejects > 0 ? old->first_reject : next_reject_;
  LEAT_TRY(rows_->insert(batch, first + kept_rows, count - kept_rows, part.id, next_row_));
  next_row_ += static_cast<int64_t>(count - kept_rows);
  LEAT_TRY(write_rejects(rejects, kept_rejects));
  if (batch.provisional) {
    part.provisional = SqliteProvisional{.start = begin,
                                         .inserted = count,
                                         .rejected = rejects.size(),
                                         .first_row = first_row,
                                         .first_reject = first_reject,
                                         .content = count > 0 ? content_of(batch, first) : content_of(rejects.front()),
                                         .stored = false};
  }
  // Nothing fails from here on: an aggregate cannot take rows back.
  aggregates_->add(batch, first + kept_rows, count - kept_rows);
  rows_in_commit_ += count - kept_rows;
  Written written;
  written.inserted = count;
  for (size_t r = first; r < first + count; ++r) written.digest += mix64(batch.origin_of(r).offset);
  return written;
}

Status SqliteSink::write_rejects(const Rejects& rejects, size_t from) {
  if (rejects.size() == from) return {};
  const std::string now = format_time(clock_.now_micros());
  for (size_t i = from; i < rejects.size(); ++i) {
    const Reject& reject = rejects[i];
    LEAT_ASSIGN(const SqlitePart* part, parts_->get(reject.part, reject.origin));
    const std::string hash = hex(reject.raw_hash);
    insert_reject_.with(next_reject_++, std::string_view(pipeline_), part->id, std::string_view(reject.origin),
                        reject.byte_offset, reject.line, std::string_view(reject.column),
                        std::string_view(reject.reason), nullptr, reject.raw_length, std::string_view(hash),
                        std::string_view(now));
    insert_reject_.bind_bytes(9, reject.raw);
    LEAT_TRY(insert_reject_.run());
  }
  return {};
}

// Deletes the row or reject of the provisional record of `part`.
Status SqliteSink::undo(SqlitePart& part) {
  const SqliteProvisional& record = *part.provisional;
  const std::vector<int64_t> from = {record.first_row, part.id, static_cast<int64_t>(record.start)};
  const std::string where = "_row >= ?1 AND _part = ?2 AND _offset >= ?3";
  if (!aggregates_->empty()) {
    LEAT_ASSIGN(const auto reader, RowReader::make(*db_, table_, schema_, aggregates_->inputs(), where, from));
    for (;;) {
      LEAT_ASSIGN(const RecordBatch batch, reader->next());
      if (batch.rows() == 0) break;
      LEAT_TRY(aggregates_->touch(batch, 0, batch.rows()));
    }
  }
  LEAT_ASSIGN(SqliteStatement rows, db_->prepare(fmt::format("DELETE FROM {} WHERE {}", sql_name(table_), where)));
  LEAT_TRY(rows.with(from[0], from[1], from[2]).run());
  LEAT_ASSIGN(SqliteStatement rejects,
              db_->prepare("DELETE FROM _leat_rejects WHERE reject >= ? AND part = ? AND byte_offset >= ?"));
  return rejects.with(record.first_reject, part.id, record.start).run();
}

Status SqliteSink::commit(const Positions& moved, const Ranges& ranges) {
  if (state_ == State::ready && moved.empty() && ranges.empty()) return {};
  if (Status begun = begin(); !begun.ok()) return fail(std::move(begun));
  Status outcome = commit_all(moved, ranges);
  if (!outcome.ok()) {
    // Refused or not, this is no row's fault.
    if (outcome.kind() == Kind::bad_data) outcome = Status::fatal(outcome.message());
    return fail(std::move(outcome));
  }
  state_ = State::ready;
  rows_in_commit_ = 0;
  last_commit_ms_ = clock_.steady_ms();
  return {};
}

Status SqliteSink::commit_all(const Positions& moved, const Ranges& ranges) {
  for (const Position& position : moved) {
    LEAT_ASSIGN(SqlitePart* const part, parts_->get(position.part, position.origin));
    if (!part->provisional || position.offset <= part->provisional->start) continue;
    LEAT_TRY(undo(*part));
    LEAT_TRY(parts_->forget_provisional(*part));
  }
  LEAT_TRY(aggregates_->apply());
  LEAT_TRY(parts_->add(ranges));
  LEAT_TRY(parts_->move(moved, claim_->sequence() + 1));
  const uint64_t elapsed_ms = std::max<uint64_t>(clock_.steady_ms() - last_commit_ms_, 1);
  const double rate = static_cast<double>(rows_in_commit_) * 1000 / static_cast<double>(elapsed_ms);
  LEAT_TRY(claim_->advance(next_row_, rate, clock_.now_micros()));
  return commit_.run();
}

Status SqliteSink::finish() {
  if (state_ != State::ready) return Status::bug(visible(options_.path) + ": finished while it is not ready");
  Status outcome = begin_.run();
  if (outcome.ok()) outcome = claim_->release(clock_.now_micros());
  if (outcome.ok()) outcome = commit_.run();
  if (!outcome.ok()) return fail(std::move(outcome));
  claim_.reset();
  close();
  return {};
}

void SqliteSink::close() noexcept {
  // A statement must end before its database does; closing undoes what is not committed.
  begin_ = {};
  commit_ = {};
  savepoint_ = {};
  release_ = {};
  back_ = {};
  insert_reject_ = {};
  aggregates_.reset();
  rows_.reset();
  parts_.reset();
  claim_.reset();
  db_.reset();
  rows_in_commit_ = 0;
  state_ = State::closed;
}

void SqliteSink::let_go() noexcept {
  if (state_ == State::writing && db_->execute("ROLLBACK").ok()) state_ = State::ready;
  if (state_ == State::ready) {
    // At worst the next start finds a writer that is not alive.
    const Status ignored = finish();
  }
  close();
}

void SqliteSink::note_trouble(const std::string& message) noexcept {
  if (pipeline_.empty()) return;
  const Result<std::optional<os::FileInfo>> there = os::file_system().info(options_.path, os::Links::follow);
  if (!there.ok() || !*there) return;
  const Result<std::unique_ptr<SqliteDatabase>> db = connect(250);
  if (!db.ok()) return;
  // Best effort: where even this fails, the next commit or the message on the terminal says more.
  const Status ignored = SqliteClaim::note_trouble(**db, pipeline_, message, clock_.now_micros());
}

}  // namespace

std::unique_ptr<Sink> make_sqlite_sink(SqliteOptions options, os::Clock& clock, Note note) {
  return std::make_unique<SqliteSink>(std::move(options), clock, std::move(note));
}

}  // namespace leat
