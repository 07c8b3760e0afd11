#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "base/time.h"
#include "db/sqlite.h"
#include "os/file_system.h"
#include "sinks/mend_choice.h"
#include "sinks/sqlite.h"
#include "sinks/sqlite_aggregates.h"
#include "sinks/sqlite_batch_writer.h"
#include "sinks/sqlite_claim.h"
#include "sinks/sqlite_full_pull.h"
#include "sinks/sqlite_layout.h"
#include "sinks/sqlite_parts.h"
#include "sinks/sqlite_replace.h"
#include "sinks/sqlite_rows.h"
#include "sinks/sqlite_runs.h"
#include "sinks/sqlite_scan.h"

namespace leat {
namespace {

// docs/decisions/0002-sqlite-settings.md has the measurements.
constexpr int kPageBytes = 8192;
// Length of the write-ahead log before it is copied into the database.
constexpr int kCheckpointPages = 2048;
constexpr uint64_t kModeWaitMs = 10;
constexpr uint64_t kLongestModeWaitMs = 1000;

class SqliteSink final : public Sink {
 public:
  SqliteSink(SqliteOptions options, os::Clock& clock, Note note)
      : options_(std::move(options)), clock_(clock), note_(std::move(note)) {}
  ~SqliteSink() override { let_go(); }

  Result<std::string> source_schema(const std::string& pipeline) override;
  Result<std::optional<PipelineRun>> last_run(const std::string& pipeline) override;
  Status keep_run(const std::string& pipeline, const PipelineRun& run) override;
  Result<Positions> open(const SinkPlan& plan) override;
  void prepare(RecordBatch& batch) const override { aggregates_->prepare(batch); }
  Result<Written> write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) override;
  Result<bool> retry(int64_t reject, const RecordBatch& batch) override;
  Status commit(const Positions& moved, const Ranges& ranges) override;
  void rollback() noexcept override { close(); }
  Status finish() override;
  void note_trouble(const std::string& message) noexcept override;

 private:
  enum class State : uint8_t { closed, ready, writing, broken };

  Result<std::unique_ptr<SqliteDatabase>> connect(uint64_t busy_timeout_ms) const;
  Result<std::unique_ptr<SqliteDatabase>> connect_to_known() const;
  Status use_write_ahead_log();
  Status set_up(const SinkPlan& plan);
  Status make_tables(const SinkPlan& plan);
  Status make_next_tables(const SinkPlan& plan);
  Status check_last_row(const SinkPlan& plan) const;
  Status begin();
  Status commit_all(const Positions& moved, const Ranges& ranges);
  Status check_file();
  Status release_claim();
  Status fail(Status status);
  void close() noexcept;
  void let_go() noexcept;

  SqliteOptions options_;
  os::Clock& clock_;
  Note note_;

  State state_ = State::closed;
  SinkPlan plan_;
  std::unique_ptr<SqliteDatabase> db_;  // before all that has statements on it
  std::unique_ptr<SqliteClaim> claim_;
  std::unique_ptr<SqliteParts> parts_;
  std::unique_ptr<SqliteAggregates> aggregates_;
  std::unique_ptr<SqliteBatchWriter> writer_;
  std::unique_ptr<SqliteFullPull> full_;
  SqliteStatement begin_;
  SqliteStatement commit_;
  SqliteStatement savepoint_;
  SqliteStatement release_;
  SqliteStatement back_;
  std::optional<os::FileInfo> file_;
  uint64_t rows_in_commit_ = 0;
  uint64_t last_commit_ms_ = 0;
  bool pulling_ = false;  // write = "replace": what is in the next table is of this run
};

Result<std::unique_ptr<SqliteDatabase>> SqliteSink::connect(uint64_t busy_timeout_ms) const {
  return SqliteDatabase::open({.path = options_.path,
                               .vfs = options_.vfs,
                               .read_only = false,
                               .cache_bytes = options_.cache_bytes,
                               .busy_timeout_ms = busy_timeout_ms});
}

// Null: there is no file yet.
Result<std::unique_ptr<SqliteDatabase>> SqliteSink::connect_to_known() const {
  LEAT_ASSIGN(const auto file, os::file_system().info(options_.path, os::Links::follow));
  if (!file) return std::unique_ptr<SqliteDatabase>();
  return connect(options_.busy_timeout_ms);
}

Result<std::string> SqliteSink::source_schema(const std::string& pipeline) {
  LEAT_ASSIGN(const auto db, connect_to_known());
  return db == nullptr ? std::string() : read_sqlite_source_schema(*db, pipeline);
}

Result<std::optional<PipelineRun>> SqliteSink::last_run(const std::string& pipeline) {
  LEAT_ASSIGN(const auto db, connect_to_known());
  return db == nullptr ? std::optional<PipelineRun>() : read_sqlite_run(*db, pipeline);
}

Status SqliteSink::keep_run(const std::string& pipeline, const PipelineRun& run) {
  LEAT_ASSIGN(const auto db, connect_to_known());
  if (db == nullptr) return {};
  LEAT_ASSIGN(const bool ours, db->has_table("_leat_meta"));
  return ours ? keep_sqlite_run(*db, pipeline, run) : Status();
}

Result<Positions> SqliteSink::open(const SinkPlan& plan) {
  close();
  plan_ = plan;
  if (plan.new_run) pulling_ = false;
  LEAT_ASSIGN(db_, connect(options_.busy_timeout_ms));
  Status outcome = set_up(plan);
  if (!outcome.ok()) {
    close();
    return outcome;
  }
  state_ = State::ready;
  pulling_ = plan.mode == WriteMode::replace;
  last_commit_ms_ = clock_.steady_ms();
  return parts_->positions();
}

Status SqliteSink::use_write_ahead_log() {
  LEAT_ASSIGN(SqliteStatement mode, db_->prepare("PRAGMA journal_mode = WAL"));
  LEAT_ASSIGN(const bool row, mode.step());
  if (row && mode.text(0) == "wal") return {};
  return Status::bad_config(
      fmt::format("{}: cannot use write-ahead logging (the file system must support shared "
                  "memory, which network file systems do not); name a file elsewhere",
                  db_->where()));
}

Status SqliteSink::set_up(const SinkPlan& plan) {
  // Of a new file only; that of others stays as it is.
  LEAT_TRY(db_->execute(fmt::format("PRAGMA page_size = {}", kPageBytes)));
  // The one statement that does not wait for others by itself: another pipeline may be making the same new file.
  for (uint64_t waited_ms = 0;; waited_ms += kModeWaitMs) {
    Status mode = use_write_ahead_log();
    if (mode.ok()) break;
    if (mode.kind() != Kind::retry || waited_ms >= kLongestModeWaitMs) return mode;
    (void)clock_.wait_ms(kModeWaitMs, {});
  }
  db_->opened();
  // The size of the cache again: SQLite took it for one of smaller pages until it knew the size of these.
  LEAT_TRY(db_->execute(fmt::format(
      "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{}; "
      "PRAGMA wal_autocheckpoint = {}; PRAGMA journal_size_limit = {}",
      std::max<uint64_t>(options_.cache_bytes / 1024, 64), kCheckpointPages, kCheckpointPages * 2 * kPageBytes)));
  LEAT_ASSIGN(begin_, db_->prepare("BEGIN IMMEDIATE"));
  LEAT_ASSIGN(commit_, db_->prepare("COMMIT"));
  LEAT_ASSIGN(savepoint_, db_->prepare("SAVEPOINT leat_write"));
  LEAT_ASSIGN(release_, db_->prepare("RELEASE leat_write"));
  LEAT_ASSIGN(back_, db_->prepare("ROLLBACK TO leat_write"));
  LEAT_TRY(begin_.run());
  LEAT_TRY(make_tables(plan));
  if (options_.companion != nullptr) LEAT_TRY(options_.companion->opened(*db_));
  LEAT_TRY(commit_.run());
  LEAT_ASSIGN(file_, os::file_system().info(options_.path, os::Links::follow));
  return {};
}

Status SqliteSink::make_tables(const SinkPlan& plan) {
  LEAT_TRY(make_sqlite_layout(*db_, clock_.now_micros()));
  LEAT_TRY(check_table_name(db_->where(), plan.table));
  LEAT_ASSIGN(claim_, SqliteClaim::take(*db_, plan));
  LEAT_ASSIGN(const Schema known, read_sqlite_schema(*db_, plan.pipeline));
  LEAT_TRY(keep_sqlite_source_schema(*db_, plan.pipeline, plan.source_schema));
  if (plan.mode == WriteMode::replace && !known.fields.empty()) return make_next_tables(plan);
  LEAT_TRY(make_row_table(*db_, plan.pipeline, plan.table, *plan.schema, known, plan.mode == WriteMode::merge));
  LEAT_TRY(check_last_row(plan));
  if (plan.mode == WriteMode::ignore || plan.mode == WriteMode::merge) {
    LEAT_TRY(make_key_index(*db_, plan, plan.table));
  }
  LEAT_ASSIGN(parts_, SqliteParts::load(*db_, plan.pipeline));
  LEAT_TRY(parts_->fold_spent(claim_->sequence()));
  LEAT_ASSIGN(aggregates_,
              SqliteAggregates::make(*db_, plan.pipeline, plan.table, plan.schema, plan.aggregates, plan.mode, note_));
  LEAT_TRY(make_sqlite_indexes(*db_, plan.indexes, note_));
  if (plan.mode == WriteMode::replace) return make_next_tables(plan);
  LEAT_ASSIGN(writer_, SqliteBatchWriter::make({*db_, plan.pipeline, plan.table, *parts_, *aggregates_, clock_}, plan,
                                               claim_->next_row()));
  LEAT_ASSIGN(full_, SqliteFullPull::load(*db_, plan.pipeline));
  return {};
}

// The table has its last complete content, or is empty; what is written goes into the next one.
Status SqliteSink::make_next_tables(const SinkPlan& plan) {
  LEAT_TRY(check_last_row(plan));
  // Whether the aggregates fit is not to be found out at the end.
  for (const AggregateSpec& spec : plan.aggregates) LEAT_TRY(Aggregate::bind(spec, *plan.schema).status().clone());
  if (!pulling_) LEAT_TRY(drop_next(*db_, plan));
  const std::string pipeline = next_pipeline(plan.pipeline);
  const std::string table = next_table(plan.table);
  LEAT_ASSIGN(const Schema known, read_sqlite_schema(*db_, pipeline));
  LEAT_TRY(make_row_table(*db_, pipeline, table, *plan.schema, known));
  LEAT_ASSIGN(parts_, SqliteParts::load(*db_, pipeline));
  LEAT_ASSIGN(aggregates_, SqliteAggregates::recount(*db_, table, plan.schema, {}, plan.mode, nullptr));
  LEAT_ASSIGN(writer_, SqliteBatchWriter::make({*db_, pipeline, table, *parts_, *aggregates_, clock_}, plan,
                                               claim_->next_row()));
  return {};
}

// A row that somebody else has put there would get in the way of the next ones.
Status SqliteSink::check_last_row(const SinkPlan& plan) const {
  LEAT_ASSIGN(const bool there, db_->has_table(plan.table));
  if (!there) {
    return table_is_gone(db_->where(), plan.table, plan.pipeline);
  }
  LEAT_ASSIGN(int64_t last_row, db_->query_integer("SELECT max(_row) FROM " + sql_name(plan.table)));
  if (plan.mode == WriteMode::merge) {
    LEAT_ASSIGN(const int64_t last, db_->query_integer("SELECT max(_revision) FROM " + sql_name(plan.table)));
    last_row = std::max(last_row, last);
  }
  if (last_row < claim_->next_row()) return {};
  return Status::fatal(
      fmt::format("{}: table {} has a row with _row {} that leat has not written; delete it, see "
                  "`leat verify`",
                  db_->where(), quoted(plan.table), last_row));
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
  LEAT_TRY(writer_->begin());
  state_ = State::writing;
  return {};
}

Result<Written> SqliteSink::write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) {
  if (count == 0 && rejects.empty()) return Written{};
  if (Status begun = begin(); !begun.ok()) return fail(std::move(begun));
  if (batch.schema_ptr() != plan_.schema && batch.schema() != *plan_.schema) {
    return fail(Status::bug(db_->where() + ": a batch has other columns than the pipeline was opened with"));
  }
  Result<BookedPart*> part = parts_->get(batch.part, batch.origin);
  if (!part.ok()) return fail(std::move(part).status());
  // Parts are made outside of the savepoint: those in memory do not go back with it.
  for (const Reject& reject : rejects) {
    if (reject.part == batch.part) continue;
    if (Result<BookedPart*> other = parts_->get(reject.part, reject.origin); !other.ok()) {
      return fail(std::move(other).status());
    }
  }
  if (Status started = savepoint_.run(); !started.ok()) return fail(std::move(started));
  Result<Written> written = writer_->write(**part, batch, first, count, rejects);
  if (!written.ok()) {
    Status failed = fail(std::move(written).status());
    if (failed.kind() != Kind::bad_data) return failed;
    if (Status back = back_.run(); !back.ok()) return fail(std::move(back));
    written = std::move(failed);
  }
  if (Status released = release_.run(); !released.ok()) return fail(std::move(released));
  if (written.ok()) rows_in_commit_ += written->inserted + written->updated;
  return written;
}

Result<bool> SqliteSink::retry(int64_t reject, const RecordBatch& batch) {
  if (Status begun = begin(); !begun.ok()) return fail(std::move(begun));
  if (Status started = savepoint_.run(); !started.ok()) return fail(std::move(started));
  Result<bool> taken = writer_->retry(reject, batch);
  if (!taken.ok()) {
    Status failed = fail(std::move(taken).status());
    if (failed.kind() != Kind::bad_data) return failed;
    taken = false;
  }
  if (!*taken) {
    if (Status back = back_.run(); !back.ok()) return fail(std::move(back));
  }
  if (Status released = release_.run(); !released.ok()) return fail(std::move(released));
  return taken;
}

Status SqliteSink::commit(const Positions& moved, const Ranges& ranges) {
  const bool pending = options_.companion != nullptr && options_.companion->pending();
  if (state_ == State::ready && moved.empty() && ranges.empty() && !pending) return {};
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
    LEAT_ASSIGN(BookedPart* const part, parts_->get(position.part, position.origin));
    if (!part->provisional || position.offset <= part->provisional->start) continue;
    LEAT_TRY(writer_->undo_passed(*part));
  }
  LEAT_ASSIGN(const std::vector<VoidRange> voids, parts_->add(ranges));
  for (const VoidRange& each : voids) LEAT_TRY(writer_->undo_void(each));
  const auto delete_unseen = [&](int64_t before_revision) { return writer_->delete_unseen(before_revision); };
  for (const Range& range : ranges) {
    if (range.full == FullPull::none || plan_.mode != WriteMode::merge) continue;
    LEAT_ASSIGN(const BookedPart* part, parts_->get(range.part, ""));
    LEAT_TRY(full_->take(range, *part, claim_->next_row(), delete_unseen, note_));
  }
  LEAT_TRY(writer_->apply());
  LEAT_TRY(parts_->move(moved, claim_->sequence() + 1));
  const uint64_t elapsed_ms = std::max<uint64_t>(clock_.steady_ms() - last_commit_ms_, 1);
  const double rate = static_cast<double>(rows_in_commit_) * 1000 / static_cast<double>(elapsed_ms);
  LEAT_TRY(claim_->advance(writer_->next_row(), rate, clock_.now_micros()));
  if (options_.companion != nullptr) LEAT_TRY(options_.companion->commit(*db_));
  return commit_.run();
}

Status SqliteSink::finish() {
  if (state_ != State::ready) return Status::bug(visible(options_.path) + ": finished while it is not ready");
  Status outcome = begin_.run();
  if (outcome.ok() && plan_.mode == WriteMode::replace) {
    writer_.reset();  // its statements are of a table that goes
    outcome = claim_->check();
    if (outcome.ok()) outcome = swap_in_next(*db_, plan_, note_);
    if (outcome.ok()) outcome = make_sqlite_indexes(*db_, plan_.indexes, note_);
  }
  if (outcome.ok()) outcome = release_claim();
  if (!outcome.ok()) return fail(std::move(outcome));
  pulling_ = false;
  return {};
}

// In a transaction, which ends here.
Status SqliteSink::release_claim() {
  LEAT_TRY(claim_->release(clock_.now_micros()));
  LEAT_TRY(commit_.run());
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
  full_.reset();
  writer_.reset();
  aggregates_.reset();
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
    Status ignored = begin_.run();
    if (ignored.ok()) ignored = release_claim();
  }
  close();
}

void SqliteSink::note_trouble(const std::string& message) noexcept {
  if (plan_.pipeline.empty()) return;
  const Result<std::optional<os::FileInfo>> there = os::file_system().info(options_.path, os::Links::follow);
  if (!there.ok() || !*there) return;
  const Result<std::unique_ptr<SqliteDatabase>> db = connect(250);
  if (!db.ok()) return;
  // Best effort: where even this fails, the next commit or the message on the terminal says more.
  const Status ignored = SqliteClaim::note_trouble(**db, plan_.pipeline, message, clock_.now_micros());
}

}  // namespace

std::unique_ptr<Sink> make_sqlite_sink(SqliteOptions options, os::Clock& clock, Note note) {
  return std::make_unique<SqliteSink>(std::move(options), clock, std::move(note));
}

}  // namespace leat
