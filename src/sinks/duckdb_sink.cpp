#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "db/sql.h"
#include "os/file_system.h"
#include "sinks/duckdb.h"
#include "sinks/duckdb_aggregates.h"
#include "sinks/duckdb_batch_writer.h"
#include "sinks/duckdb_claim.h"
#include "sinks/duckdb_full_pull.h"
#include "sinks/duckdb_keyed_rows.h"
#include "sinks/duckdb_layout.h"
#include "sinks/duckdb_listener.h"
#include "sinks/duckdb_parts.h"
#include "sinks/duckdb_replace.h"
#include "sinks/duckdb_rows.h"

namespace leat {
namespace {

// The states, as docs/formats/database.md draws them.
enum class State : uint8_t { closed, ready, writing, broken };

class DuckDbSink final : public Sink {
 public:
  DuckDbSink(DuckDbOpen options, os::Clock& clock, Note note)
      : options_(std::move(options)), clock_(clock), note_(std::move(note)) {}
  ~DuckDbSink() override { let_go(); }

  Result<std::string> source_schema(const std::string& pipeline) override {
    LEAT_ASSIGN(const auto db, connect_to_known(pipeline));
    return db == nullptr ? std::string() : read_duckdb_source_schema(*db, pipeline);
  }
  Result<std::optional<PipelineRun>> last_run(const std::string& pipeline) override {
    LEAT_ASSIGN(const auto db, connect_to_known(pipeline));
    return db == nullptr ? std::optional<PipelineRun>() : read_duckdb_run(*db, pipeline);
  }
  Status keep_run(const std::string& pipeline, const PipelineRun& run) override {
    LEAT_ASSIGN(const auto db, connect_to_known(pipeline));
    return db == nullptr ? Status() : keep_duckdb_run(*db, pipeline, run);
  }
  Result<Positions> open(const SinkPlan& plan) override {
    close();
    plan_ = plan;
    if (plan.new_run) pulling_ = false;
    LEAT_ASSIGN(db_, connect(plan.pipeline));
    Status outcome = set_up(plan);
    if (!outcome.ok()) {
      close();
      return outcome;
    }
    LEAT_ASSIGN(file_, os::file_system().info(options_.path, os::Links::follow));
    listen();
    state_ = State::ready;
    pulling_ = plan.mode == WriteMode::replace;
    last_commit_ms_ = clock_.steady_ms();
    return parts_->positions();
  }

  void prepare(RecordBatch& batch) const override { aggregates_->prepare(batch); }
  Result<Written> write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) override;
  Result<bool> retry(int64_t reject, const RecordBatch& batch) override;
  Status commit(const Positions& moved, const Ranges& ranges) override;
  void rollback() noexcept override { let_go(); }
  Status finish() override;
  void note_trouble(const std::string& message) noexcept override;

 private:
  [[nodiscard]] Result<std::unique_ptr<DuckDb>> connect(const std::string& pipeline) const {
    Result<std::unique_ptr<DuckDb>> db = DuckDb::open(options_);
    if (!db.ok()) return std::move(db).status().within(fmt::format("pipeline {}", quoted(pipeline)));
    return db;
  }
  // Null: leat has written nothing there yet.
  [[nodiscard]] Result<std::unique_ptr<DuckDb>> connect_to_known(const std::string& pipeline) const {
    LEAT_ASSIGN(const auto file, os::file_system().info(options_.path, os::Links::follow));
    if (!file) return std::unique_ptr<DuckDb>();
    LEAT_ASSIGN(auto db, connect(pipeline));
    LEAT_ASSIGN(const bool there, check_duckdb_layout(*db));
    return there ? std::move(db) : nullptr;
  }
  Status set_up(const SinkPlan& plan);
  Status make_tables(const SinkPlan& plan);
  Status make_next_tables(const SinkPlan& plan);
  Status check_last_row(const SinkPlan& plan) const;
  void listen();
  Status begin();
  Status fail(Status status);
  [[nodiscard]] Status check_file() const;
  Status commit_all(const Positions& moved, const Ranges& ranges);
  void let_go() noexcept;
  void close() noexcept;

  const DuckDbOpen options_;
  os::Clock& clock_;
  Note note_;
  SinkPlan plan_;
  State state_ = State::closed;
  std::unique_ptr<DuckDb> db_;  // before all that uses it
  std::shared_ptr<DuckDbListener> listener_;
  std::unique_ptr<DuckDbClaim> claim_;
  std::unique_ptr<DuckDbParts> parts_;
  std::unique_ptr<DuckDbAggregates> aggregates_;
  std::unique_ptr<DuckDbBatchWriter> writer_;
  std::unique_ptr<DuckDbFullPull> full_;  // append, ignore, merge
  std::optional<os::FileInfo> file_;
  uint64_t rows_in_commit_ = 0;
  uint64_t last_commit_ms_ = 0;
  bool pulling_ = false;  // write = "replace": what is in the next table is of this run
};

Status DuckDbSink::set_up(const SinkPlan& plan) {
  LEAT_TRY(db_->execute("BEGIN"));
  LEAT_TRY(make_tables(plan));
  return db_->commit();
}

Status DuckDbSink::make_tables(const SinkPlan& plan) {
  LEAT_TRY(check_duckdb_table(db_->where(), plan.table));
  LEAT_TRY(make_duckdb_layout(*db_, clock_.now_micros()));
  LEAT_ASSIGN(claim_, DuckDbClaim::take(*db_, plan));
  LEAT_ASSIGN(const Schema known, read_duckdb_schema(*db_, plan.pipeline));
  LEAT_TRY(keep_duckdb_source_schema(*db_, plan.pipeline, plan.source_schema));
  if (plan.mode == WriteMode::replace && !known.fields.empty()) return make_next_tables(plan);
  LEAT_TRY(make_duckdb_rows(*db_, plan.pipeline, plan.table, *plan.schema, known, plan.mode == WriteMode::merge));
  LEAT_TRY(check_last_row(plan));
  if (plan.mode == WriteMode::ignore || plan.mode == WriteMode::merge) LEAT_TRY(keep_duckdb_key(*db_, plan));
  LEAT_ASSIGN(parts_, DuckDbParts::load(*db_, plan.pipeline));
  LEAT_TRY(parts_->fold_spent(claim_->sequence()));
  LEAT_ASSIGN(aggregates_,
              DuckDbAggregates::make(*db_, plan.pipeline, plan.table, plan.schema, plan.aggregates, note_));
  if (plan.mode == WriteMode::replace) return make_next_tables(plan);
  LEAT_ASSIGN(writer_, DuckDbBatchWriter::make({*db_, plan.pipeline, plan.table, *parts_, *aggregates_, clock_}, plan,
                                               claim_->next_row()));
  LEAT_ASSIGN(full_, DuckDbFullPull::load(*db_, plan.pipeline));
  return {};
}

// The table has its last complete content, or is empty; what is written goes into the next one.
Status DuckDbSink::make_next_tables(const SinkPlan& plan) {
  LEAT_TRY(check_last_row(plan));
  // Whether the aggregates fit is not to be found out at the end.
  for (const AggregateSpec& spec : plan.aggregates) LEAT_TRY(Aggregate::bind(spec, *plan.schema).status().clone());
  if (!pulling_) LEAT_TRY(drop_next(*db_, plan));
  const std::string pipeline = next_pipeline(plan.pipeline);
  const std::string table = next_table(plan.table);
  LEAT_ASSIGN(const Schema known, read_duckdb_schema(*db_, pipeline));
  LEAT_TRY(make_duckdb_rows(*db_, pipeline, table, *plan.schema, known));
  LEAT_ASSIGN(parts_, DuckDbParts::load(*db_, pipeline));
  LEAT_ASSIGN(aggregates_, DuckDbAggregates::recount(*db_, table, plan.schema, {}, nullptr));
  LEAT_ASSIGN(writer_, DuckDbBatchWriter::make({*db_, pipeline, table, *parts_, *aggregates_, clock_}, plan,
                                               claim_->next_row()));
  return {};
}

// A row that somebody else has put there would get in the way of the next ones.
Status DuckDbSink::check_last_row(const SinkPlan& plan) const {
  const char* last = plan.mode == WriteMode::merge ? "greatest(max(_row), max(_revision))" : "max(_row)";
  LEAT_ASSIGN(const int64_t last_row, db_->query_integer(fmt::format("SELECT {} FROM {}", last, sql_name(plan.table))));
  if (last_row < claim_->next_row()) return {};
  return Status::fatal(
      fmt::format("{}: table {} has a row with _row {} that leat has not written; delete it, see "
                  "`leat verify`",
                  db_->where(), quoted(plan.table), last_row));
}

// Who looks at the file meanwhile asks this process.
void DuckDbSink::listen() {
  Result<std::shared_ptr<DuckDbListener>> listener = DuckDbListener::of(options_.path);
  if (listener.ok()) {
    listener_ = std::move(*listener);
  } else if (note_) {
    note_(NoteLevel::warning,
          listener.status().message() + "; `leat status` and others cannot look at the file while leat runs");
  }
}

// DuckDB has no savepoints: a row that is refused takes the whole transaction with it.
Status DuckDbSink::fail(Status status) {
  state_ = State::broken;
  writer_.reset();
  const Status ignored = db_->execute("ROLLBACK");
  return status.kind() == Kind::bad_data ? Status::fatal(status.message()) : std::move(status);
}

// A file that was deleted or replaced would take commits that nobody can ever read.
Status DuckDbSink::check_file() const {
  LEAT_ASSIGN(const std::optional<os::FileInfo> now, os::file_system().info(options_.path, os::Links::follow));
  if (now && file_ && now->device == file_->device && now->inode == file_->inode) return {};
  return Status::fatal(fmt::format(
      "{}: was moved, deleted or replaced while leat wrote to it; put it back and start again", db_->where()));
}

Status DuckDbSink::begin() {
  if (state_ == State::writing) return {};
  if (state_ != State::ready) return Status::bug("a sink of type duckdb is written to while it is not open");
  LEAT_TRY(check_file());
  LEAT_TRY(db_->execute("BEGIN"));
  LEAT_TRY(claim_->check());
  state_ = State::writing;
  return {};
}

Result<Written> DuckDbSink::write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) {
  if (count == 0 && rejects.empty()) return Written{};
  if (Status begun = begin(); !begun.ok()) return fail(std::move(begun));
  if (batch.schema_ptr() != plan_.schema && batch.schema() != *plan_.schema) {
    return fail(Status::bug(db_->where() + ": a batch has other columns than the pipeline was opened with"));
  }
  Result<BookedPart*> part = parts_->get(batch.part, batch.origin);
  if (!part.ok()) return fail(std::move(part).status());
  for (const Reject& reject : rejects) {
    if (reject.part == batch.part) continue;
    if (Result<BookedPart*> other = parts_->get(reject.part, reject.origin); !other.ok()) {
      return fail(std::move(other).status());
    }
  }
  Result<Written> written = writer_->write(**part, batch, first, count, rejects);
  if (!written.ok()) return fail(std::move(written).status());
  rows_in_commit_ += written->inserted + written->updated;
  return written;
}

Result<bool> DuckDbSink::retry(int64_t reject, const RecordBatch& batch) {
  if (Status begun = begin(); !begun.ok()) return fail(std::move(begun));
  Result<bool> taken = writer_->retry(reject, batch);
  if (!taken.ok()) return fail(std::move(taken).status());
  return taken;
}

Status DuckDbSink::commit(const Positions& moved, const Ranges& ranges) {
  if (state_ == State::ready && moved.empty() && ranges.empty()) return {};
  if (Status begun = begin(); !begun.ok()) return fail(std::move(begun));
  if (Status outcome = commit_all(moved, ranges); !outcome.ok()) return fail(std::move(outcome));
  state_ = State::ready;
  rows_in_commit_ = 0;
  last_commit_ms_ = clock_.steady_ms();
  return {};
}

Status DuckDbSink::commit_all(const Positions& moved, const Ranges& ranges) {
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
  return db_->commit();
}

Status DuckDbSink::finish() {
  if (state_ != State::ready) return Status::bug("a sink of type duckdb is finished while it is not ready");
  writer_.reset();  // it writes to a table that may go
  Status outcome = db_->execute("BEGIN");
  if (outcome.ok() && plan_.mode == WriteMode::replace) {
    outcome = claim_->check();
    if (outcome.ok()) outcome = swap_in_next(*db_, plan_, note_);
  }
  if (outcome.ok()) outcome = claim_->release(clock_.now_micros());
  if (outcome.ok()) outcome = db_->commit();
  if (!outcome.ok()) return fail(std::move(outcome));
  close();
  pulling_ = false;
  return {};
}

void DuckDbSink::close() noexcept {
  // Ending the connection undoes what is not committed.
  full_.reset();
  writer_.reset();
  aggregates_.reset();
  parts_.reset();
  claim_.reset();
  listener_.reset();
  db_.reset();
  rows_in_commit_ = 0;
  state_ = State::closed;
}

void DuckDbSink::let_go() noexcept {
  writer_.reset();
  if (state_ == State::writing && db_->execute("ROLLBACK").ok()) state_ = State::ready;
  // At worst the next start finds a writer that is gone.
  if (state_ == State::ready) const Status ignored = claim_->release(clock_.now_micros());
  close();
}

void DuckDbSink::note_trouble(const std::string& message) noexcept {
  if (plan_.pipeline.empty()) return;
  const Result<std::unique_ptr<DuckDb>> db = connect_to_known(plan_.pipeline);
  if (!db.ok() || *db == nullptr) return;
  // Best effort: where even this fails, the next commit or the message on the terminal says more.
  const Status ignored = DuckDbClaim::note_trouble(**db, plan_.pipeline, message, clock_.now_micros());
}

}  // namespace

std::unique_ptr<Sink> make_duckdb_sink(DuckDbOpen options, os::Clock& clock, Note note) {
  return std::make_unique<DuckDbSink>(std::move(options), clock, std::move(note));
}

}  // namespace leat
