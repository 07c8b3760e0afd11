#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "db/sql.h"
#include "sinks/mend_choice.h"
#include "sinks/postgres.h"
#include "sinks/postgres_aggregates.h"
#include "sinks/postgres_batch_writer.h"
#include "sinks/postgres_claim.h"
#include "sinks/postgres_full_pull.h"
#include "sinks/postgres_keyed_rows.h"
#include "sinks/postgres_layout.h"
#include "sinks/postgres_parts.h"
#include "sinks/postgres_replace.h"
#include "sinks/postgres_rows.h"
#include "sinks/postgres_tables.h"

namespace leat {
namespace {

// The states, as docs/formats/database.md draws them.
enum class State : uint8_t { closed, ready, writing, broken };

class PostgresSink final : public Sink {
 public:
  PostgresSink(PostgresOpen options, os::Clock& clock, Note note)
      : options_(std::move(options)), clock_(clock), note_(std::move(note)) {}
  ~PostgresSink() override { let_go(); }

  Result<std::string> source_schema(const std::string& pipeline) override {
    LEAT_ASSIGN(const auto db, PostgresDatabase::open(options_));
    LEAT_ASSIGN(const bool there, check_postgres_layout(*db));
    return there ? read_postgres_source_schema(*db, pipeline) : std::string();
  }

  Result<std::optional<PipelineRun>> last_run(const std::string& pipeline) override {
    LEAT_ASSIGN(const auto db, PostgresDatabase::open(options_));
    LEAT_ASSIGN(const bool there, check_postgres_layout(*db));
    return there ? read_postgres_run(*db, pipeline) : std::optional<PipelineRun>();
  }
  Status keep_run(const std::string& pipeline, const PipelineRun& run) override {
    LEAT_ASSIGN(const auto db, PostgresDatabase::open(options_));
    LEAT_ASSIGN(const bool there, check_postgres_layout(*db));
    return there ? keep_postgres_run(*db, pipeline, run) : Status();
  }

  Result<Positions> open(const SinkPlan& plan) override {
    close();
    plan_ = plan;
    if (plan.new_run) pulling_ = false;
    if (plan.reads_once) by_savepoint_ = true;
    LEAT_ASSIGN(db_, PostgresDatabase::open(options_));
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

  void prepare(RecordBatch& batch) const override { aggregates_->prepare(batch); }
  Result<Written> write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) override;
  Result<bool> retry(int64_t reject, const RecordBatch& batch) override;
  Status commit(const Positions& moved, const Ranges& ranges) override;
  void rollback() noexcept override { let_go(); }
  Status finish() override;
  void note_trouble(const std::string& message) noexcept override;

 private:
  Status set_up(const SinkPlan& plan);
  Status make_tables(const SinkPlan& plan);
  Status make_next_tables(const SinkPlan& plan);
  Status swap();
  Status check_last_row(const SinkPlan& plan) const;
  Status begin();
  Status fail(Status status);
  Status commit_all(const Positions& moved, const Ranges& ranges);
  void let_go() noexcept;
  void close() noexcept;

  const PostgresOpen options_;
  os::Clock& clock_;
  Note note_;
  SinkPlan plan_;
  State state_ = State::closed;
  std::unique_ptr<PostgresDatabase> db_;  // before all that uses it
  std::unique_ptr<PostgresClaim> claim_;
  std::unique_ptr<PostgresParts> parts_;
  std::unique_ptr<PostgresAggregates> aggregates_;
  std::unique_ptr<PostgresBatchWriter> writer_;
  std::unique_ptr<PostgresFullPull> full_;  // append, ignore, merge
  bool pulling_ = false;                    // replace: a pull is under way, open() goes on with it
  bool by_savepoint_ = false;               // a commit has failed: each batch can be undone by itself
  uint64_t rows_in_commit_ = 0;
  uint64_t last_commit_ms_ = 0;
};

Status PostgresSink::set_up(const SinkPlan& plan) {
  LEAT_TRY(db_->execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"));
  LEAT_TRY(make_tables(plan));
  return db_->execute("COMMIT");
}

Status PostgresSink::make_tables(const SinkPlan& plan) {
  LEAT_TRY(check_postgres_table(db_->where(), plan.table));
  LEAT_TRY(make_postgres_layout(*db_));
  LEAT_ASSIGN(claim_, PostgresClaim::take(*db_, plan));
  LEAT_ASSIGN(const Schema known, read_postgres_schema(*db_, plan.pipeline));
  LEAT_TRY(keep_postgres_source_schema(*db_, plan.pipeline, plan.source_schema));
  if (plan.mode == WriteMode::replace && !known.fields.empty()) return make_next_tables(plan);
  LEAT_TRY(make_postgres_rows(*db_, plan.pipeline, plan.table, *plan.schema, known, plan.mode == WriteMode::merge));
  LEAT_TRY(check_last_row(plan));
  if (plan.mode == WriteMode::ignore || plan.mode == WriteMode::merge) LEAT_TRY(make_postgres_key(*db_, plan));
  LEAT_ASSIGN(parts_, PostgresParts::load(*db_, plan.pipeline));
  LEAT_TRY(parts_->fold_spent(claim_->sequence()));
  LEAT_ASSIGN(aggregates_,
              PostgresAggregates::make(*db_, plan.pipeline, plan.table, plan.schema, plan.aggregates, note_));
  LEAT_TRY(make_postgres_indexes(*db_, plan.indexes, note_));
  if (plan.mode == WriteMode::replace) return make_next_tables(plan);
  LEAT_ASSIGN(writer_, PostgresBatchWriter::make({*db_, plan.pipeline, plan.table, *parts_, *aggregates_, clock_}, plan,
                                                 claim_->next_row()));
  LEAT_ASSIGN(full_, PostgresFullPull::load(*db_, plan.pipeline));
  return {};
}

// The table has its last complete content, or is empty; what is written goes into the next one.
Status PostgresSink::make_next_tables(const SinkPlan& plan) {
  LEAT_TRY(check_last_row(plan));
  // Whether the aggregates fit is not to be found out at the end.
  for (const AggregateSpec& spec : plan.aggregates) LEAT_TRY(Aggregate::bind(spec, *plan.schema).status().clone());
  if (!pulling_) LEAT_TRY(drop_postgres_next(*db_, plan));
  const std::string pipeline = next_pipeline(plan.pipeline);
  const std::string table = next_table(plan.table);
  LEAT_ASSIGN(const Schema known, read_postgres_schema(*db_, pipeline));
  LEAT_TRY(make_postgres_rows(*db_, pipeline, table, *plan.schema, known));
  LEAT_ASSIGN(parts_, PostgresParts::load(*db_, pipeline));
  LEAT_ASSIGN(aggregates_, PostgresAggregates::recount(*db_, table, plan.schema, {}, nullptr));
  LEAT_ASSIGN(writer_, PostgresBatchWriter::make({*db_, pipeline, table, *parts_, *aggregates_, clock_}, plan,
                                                 claim_->next_row()));
  return {};
}

// A row that somebody else has put there would get in the way of the next ones.
Status PostgresSink::check_last_row(const SinkPlan& plan) const {
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

// What the server has refused it does not say: of all rows since the last commit, when they went to it in one piece.
// They are written again, each batch under a savepoint, and so are all to come. The same when that piece took longer
// than the server lets a statement take.
Status PostgresSink::fail(Status status) {
  const bool refused = status.kind() == Kind::bad_data;
  if (refused && by_savepoint_) return status;
  if (refused) status = Status::retry(status.message()).with_retry_after_ms(0);
  by_savepoint_ = by_savepoint_ || refused || rows_in_commit_ > 0;
  state_ = State::broken;
  // Nobody is to wait for a lock of ours; closing would do the same.
  if (db_ != nullptr && db_->in_transaction()) const Status ignored = db_->execute("ROLLBACK");
  return status;
}

Status PostgresSink::begin() {
  if (state_ == State::writing) return {};
  if (state_ != State::ready) return Status::bug("a sink of type postgres is written to while it is not open");
  LEAT_TRY(db_->execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"));
  LEAT_TRY(claim_->check());
  state_ = State::writing;
  return {};
}

Result<Written> PostgresSink::write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) {
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
  if (!by_savepoint_) {
    Result<Written> written = writer_->write(**part, batch, first, count, rejects, false);
    if (!written.ok()) return fail(std::move(written).status());
    rows_in_commit_ += written->inserted + written->updated;
    return written;
  }
  if (Status started = db_->execute("SAVEPOINT leat_write"); !started.ok()) return fail(std::move(started));
  Result<Written> written = writer_->write(**part, batch, first, count, rejects, true);
  if (!written.ok()) {
    Status failed = fail(std::move(written).status());
    if (failed.kind() != Kind::bad_data) return failed;
    if (Status back = db_->execute("ROLLBACK TO leat_write"); !back.ok()) return fail(std::move(back));
    written = std::move(failed);
  }
  if (Status released = db_->execute("RELEASE leat_write"); !released.ok()) return fail(std::move(released));
  if (written.ok()) rows_in_commit_ += written->inserted + written->updated;
  return written;
}

Result<bool> PostgresSink::retry(int64_t reject, const RecordBatch& batch) {
  by_savepoint_ = true;
  if (Status begun = begin(); !begun.ok()) return fail(std::move(begun));
  if (Status started = db_->execute("SAVEPOINT leat_write"); !started.ok()) return fail(std::move(started));
  Result<bool> taken = writer_->retry(reject, batch);
  if (!taken.ok()) {
    Status failed = fail(std::move(taken).status());
    if (failed.kind() != Kind::bad_data) return failed;
    taken = false;
  }
  if (!*taken) {
    if (Status back = db_->execute("ROLLBACK TO leat_write"); !back.ok()) return fail(std::move(back));
  }
  if (Status released = db_->execute("RELEASE leat_write"); !released.ok()) return fail(std::move(released));
  return taken;
}

Status PostgresSink::commit(const Positions& moved, const Ranges& ranges) {
  if (state_ == State::ready && moved.empty() && ranges.empty()) return {};
  if (Status begun = begin(); !begun.ok()) return fail(std::move(begun));
  Status outcome = commit_all(moved, ranges);
  if (!outcome.ok()) {
    // With savepoints all rows are in: this is no row's fault.
    if (outcome.kind() == Kind::bad_data && by_savepoint_) outcome = Status::fatal(outcome.message());
    return fail(std::move(outcome));
  }
  state_ = State::ready;
  rows_in_commit_ = 0;
  last_commit_ms_ = clock_.steady_ms();
  return {};
}

Status PostgresSink::commit_all(const Positions& moved, const Ranges& ranges) {
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
  return db_->execute("COMMIT");
}

Status PostgresSink::finish() {
  if (state_ != State::ready) return Status::bug("a sink of type postgres is finished while it is not ready");
  if (plan_.mode == WriteMode::replace) {
    if (Status swapped = swap(); !swapped.ok()) return fail(std::move(swapped));
  }
  if (Status released = claim_->release(clock_.now_micros()); !released.ok()) return fail(std::move(released));
  pulling_ = false;
  close();
  return {};
}

Status PostgresSink::swap() {
  LEAT_TRY(begin());
  LEAT_TRY(swap_in_postgres_next(*db_, plan_, note_));
  LEAT_TRY(make_postgres_indexes(*db_, plan_.indexes, note_));
  LEAT_TRY(claim_->advance(writer_->next_row(), 0, clock_.now_micros()));
  LEAT_TRY(db_->execute("COMMIT"));
  state_ = State::ready;
  return {};
}

void PostgresSink::close() noexcept {
  // Ending the connection undoes what is not committed and lets go of the pipeline's lock.
  full_.reset();
  writer_.reset();
  aggregates_.reset();
  parts_.reset();
  claim_.reset();
  db_.reset();
  rows_in_commit_ = 0;
  state_ = State::closed;
}

void PostgresSink::let_go() noexcept {
  if (state_ == State::writing && db_->execute("ROLLBACK").ok()) state_ = State::ready;
  // At worst the next start finds a writer that has no lock.
  if (state_ == State::ready) const Status ignored = claim_->release(clock_.now_micros());
  close();
}

void PostgresSink::note_trouble(const std::string& message) noexcept {
  if (plan_.pipeline.empty()) return;
  const Result<std::unique_ptr<PostgresDatabase>> db = PostgresDatabase::open(options_);
  if (!db.ok()) return;
  // Best effort: where even this fails, the next commit or the message on the terminal says more.
  if (!(*db)->limit_time(1000).ok()) return;
  std::string made;
  const Status ignored =
      PostgresClaim::note_trouble(**db, plan_.pipeline, std::string(postgres_text(message, made)), clock_.now_micros());
}

}  // namespace

std::unique_ptr<Sink> make_postgres_sink(PostgresOpen options, os::Clock& clock, Note note) {
  return std::make_unique<PostgresSink>(std::move(options), clock, std::move(note));
}

}  // namespace leat
