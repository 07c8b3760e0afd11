#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "db/sqlite.h"
#include "os/file_system.h"
#include "sinks/bigquery.h"
#include "sinks/bigquery_connect.h"
#include "sinks/bigquery_journal.h"
#include "sinks/bigquery_verify.h"
#include "sinks/sqlite.h"
#include "sinks/sqlite_value.h"
#include "sinks/sqlite_verify.h"

namespace leat {
namespace {

// A pipeline's journal, twice: as books, and as what is in no other database.
struct Journal {
  std::unique_ptr<Store> books;
  std::unique_ptr<SqliteDatabase> db;
};

// What the journals in a spool say, and for verify() the tables themselves.
class BigQueryStore final : public Store {
 public:
  BigQueryStore(BigQueryOptions options, Environment environment, os::Clock& clock, std::vector<Journal> journals)
      : options_(std::move(options)),
        environment_(std::move(environment)),
        clock_(clock),
        journals_(std::move(journals)) {}

  Result<std::vector<PipelineState>> pipelines() override;
  Result<Schema> schema(const std::string& pipeline) override {
    LEAT_ASSIGN(Store* const books, books_of(pipeline));
    return books == nullptr ? Schema() : books->schema(pipeline);
  }
  Result<std::vector<AggregateSpec>> aggregates(const std::string& /*pipeline*/) override {
    return std::vector<AggregateSpec>();
  }
  Result<StoredRows> aggregate_rows(const AggregateQuery& /*query*/) override { return elsewhere(); }
  Status rejects(const RejectQuery& query, const std::function<bool(const StoredReject&)>& take) override {
    LEAT_ASSIGN(Store* const books, books_of(query.pipeline));
    return books == nullptr ? Status() : books->rejects(query, take);
  }
  Result<std::vector<StoredTable>> tables() override { return std::vector<StoredTable>(); }
  Result<int64_t> last_row(const std::string& /*table*/) override { return elsewhere(); }
  Result<ScanPiece> scan(const ScanQuery& /*query*/, const std::optional<ScanKey>& /*after*/,
                         const TakeRow& /*take*/) override {
    return elsewhere();
  }
  void answer_within(uint64_t ms) override {
    for (const Journal& journal : journals_) journal.books->answer_within(ms);
  }
  Result<VerifyReport> verify(const StoreProgress& progress) override;
  Result<std::vector<Rebuilt>> rebuild(const RebuildRequest& /*request*/, const StoreProgress& /*progress*/) override {
    return Status::bad_config(visible(options_.spool) + ": a sink of type 'bigquery' keeps no aggregates");
  }
  Result<Undone> rewind(const RewindRequest& request) override;

 private:
  [[nodiscard]] Status elsewhere() const {
    return Status::bad_config(
        fmt::format("{}: the rows are in BigQuery and are read there; name a sink that is a "
                    "database",
                    visible(options_.spool)));
  }
  Result<Store*> books_of(const std::string& pipeline);
  static Result<LoadState> read_loads(const SqliteDatabase& db);

  BigQueryOptions options_;
  Environment environment_;
  os::Clock& clock_;
  std::vector<Journal> journals_;
};

// Null: it has not run yet.
Result<Store*> BigQueryStore::books_of(const std::string& pipeline) {
  for (const Journal& journal : journals_) {
    LEAT_ASSIGN(const std::vector<PipelineState> states, journal.books->pipelines());
    if (std::any_of(states.begin(), states.end(),
                    [&](const PipelineState& state) { return state.pipeline == pipeline; })) {
      return journal.books.get();
    }
  }
  return nullptr;
}

Result<LoadState> BigQueryStore::read_loads(const SqliteDatabase& db) {
  LoadState loads;
  LEAT_ASSIGN(SqliteStatement segments,
              db.prepare("SELECT state = 'loaded', count(*), sum(rows), sum(bytes) FROM _leat_segments GROUP BY 1"));
  for (;;) {
    LEAT_ASSIGN(const bool row, segments.step());
    if (!row) break;
    if (segments.integer(0) != 0) {
      loads.loaded = segments.number(1);
    } else {
      loads.waiting = segments.number(1);
      loads.waiting_rows = segments.number(2);
      loads.waiting_bytes = segments.number(3);
    }
  }
  LEAT_ASSIGN(SqliteStatement jobs, db.prepare("SELECT count(*), sum(bytes_billed) FROM _leat_jobs"));
  LEAT_TRY(jobs.step().status().clone());
  loads.jobs = jobs.number(0);
  loads.bytes_billed = jobs.number(1);
  LEAT_ASSIGN(SqliteStatement last, db.prepare("SELECT job, project, location, ended_at FROM _leat_jobs "
                                               "ORDER BY segment DESC, ended_at DESC, step DESC LIMIT 1"));
  LEAT_ASSIGN(const bool any, last.step());
  if (!any) return loads;
  loads.last_job = last.string(0);
  loads.last_job_link = fmt::format("https://console.cloud.google.com/bigquery?project={}&j=bq:{}:{}&page=queryresults",
                                    last.text(1), last.text(2), last.text(0));
  loads.last_job_micros = time_at(last, 3);
  return loads;
}

Result<std::vector<PipelineState>> BigQueryStore::pipelines() {
  std::vector<PipelineState> all;
  for (const Journal& journal : journals_) {
    LEAT_ASSIGN(std::vector<PipelineState> states, journal.books->pipelines());
    for (PipelineState& state : states) {
      LEAT_ASSIGN(state.loads, read_loads(*journal.db));
      all.push_back(std::move(state));
    }
  }
  return all;
}

// The books first; then the rows, which the next run takes out if this one cannot.
Result<Undone> BigQueryStore::rewind(const RewindRequest& request) {
  const std::string path = bigquery_journal_path(options_, request.pipeline);
  LEAT_ASSIGN(const SinkPlan plan, BigQueryJournal::read_plan(path, request.pipeline));
  LEAT_ASSIGN(const Undone undone, BigQueryJournal::rewind(path, plan, request));
  if (request.only_look) return undone;
  const auto sink = make_bigquery_sink(options_, environment_, clock_, [](NoteLevel, const std::string&) {});
  Status taken = sink->open(plan).status().clone();
  if (taken.ok()) taken = sink->finish();
  if (taken.ok()) return undone;
  return Status::retry(
      fmt::format("pipeline {} begins anew; its rows are still in table {}.{}, and go with the "
                  "next run: {}",
                  quoted(plan.pipeline), options_.dataset, plan.table, taken.message()));
}

Result<VerifyReport> BigQueryStore::verify(const StoreProgress& /*progress*/) {
  LEAT_ASSIGN(const BigQueryConnection connection, connect_bigquery(options_, environment_, clock_));
  VerifyReport all;
  for (const Journal& journal : journals_) {
    LEAT_TRY(journal.db->execute("BEGIN"));
    Result<VerifyReport> books = verify_sqlite_books(*journal.db);
    LEAT_TRY(journal.db->execute("ROLLBACK"));
    LEAT_TRY(books.status().clone());
    LEAT_ASSIGN(const std::vector<PipelineState> states, journal.books->pipelines());
    for (const PipelineState& state : states) {
      LEAT_TRY(verify_bigquery_rows(*journal.db, *connection.client, options_.dataset,
                                    {options_.partition_by, options_.partition}, state.pipeline, state.table, *books));
    }
    all.add(*books);
  }
  return all;
}

}  // namespace

Result<std::unique_ptr<Store>> open_bigquery_store(const BigQueryOptions& options, Environment environment,
                                                   os::Clock& clock) {
  LEAT_ASSIGN(const std::vector<std::string> names, os::file_system().list(options.spool));
  std::vector<Journal> journals;
  for (const std::string& name : names) {
    const std::string path = bigquery_journal_path(options, name);
    LEAT_ASSIGN(const auto there, os::file_system().info(path, os::Links::follow));
    if (!there) continue;
    Journal& journal = journals.emplace_back();
    LEAT_ASSIGN(journal.books, open_sqlite_store(path));
    SqliteOpen open;
    open.path = path;
    open.read_only = true;
    LEAT_ASSIGN(journal.db, SqliteDatabase::open(open));
  }
  if (journals.empty()) return std::unique_ptr<Store>();
  return std::unique_ptr<Store>(
      std::make_unique<BigQueryStore>(options, std::move(environment), clock, std::move(journals)));
}

}  // namespace leat
