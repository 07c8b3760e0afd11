#include <fmt/format.h>

#include "base/time.h"
#include "db/sql.h"
#include "os/process.h"
#include "sinks/postgres.h"
#include "sinks/postgres_claim.h"
#include "sinks/postgres_layout.h"
#include "sinks/postgres_mend.h"
#include "sinks/postgres_parts.h"
#include "sinks/postgres_tables.h"
#include "sinks/postgres_verify.h"

namespace leat {
namespace {

std::optional<int64_t> time_at(const PostgresRows& row, int at) {
  if (row.is_null(at)) return std::nullopt;
  return row.time(at);
}

class PostgresStore final : public Store {
 public:
  PostgresStore(PostgresOpen options, std::unique_ptr<PostgresDatabase> db)
      : options_(std::move(options)), db_(std::move(db)) {}

  Result<std::vector<PipelineState>> pipelines() override {
    LEAT_TRY(begin_answer());
    LEAT_TRY(db_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    Result<std::vector<PipelineState>> states = read_pipelines();
    return ended(std::move(states));
  }
  Result<Schema> schema(const std::string& pipeline) override {
    LEAT_TRY(begin_answer());
    return read_postgres_schema(*db_, pipeline);
  }
  Result<std::vector<AggregateSpec>> aggregates(const std::string& pipeline) override {
    LEAT_TRY(begin_answer());
    return read_postgres_aggregates(*db_, pipeline);
  }
  Result<StoredRows> aggregate_rows(const AggregateQuery& query) override;
  Status rejects(const RejectQuery& query, const std::function<bool(const StoredReject&)>& take) override;
  Result<std::vector<StoredTable>> tables() override {
    LEAT_TRY(begin_answer());
    LEAT_ASSIGN(const std::vector<IndexedTable> tables, read_postgres_tables(*db_));
    std::vector<StoredTable> shown;
    for (const IndexedTable& table : tables) shown.push_back(table.shown);
    return shown;
  }
  Result<int64_t> last_row(const std::string& table) override {
    LEAT_TRY(begin_answer());
    LEAT_ASSIGN(const IndexedTable found, find(table));
    return db_->query_integer(fmt::format("SELECT max({}) FROM {}", sql_name(found.row_number), sql_name(table)));
  }
  Result<ScanPiece> scan(const ScanQuery& query, const std::optional<ScanKey>& after, const TakeRow& take) override {
    LEAT_TRY(begin_answer());
    LEAT_ASSIGN(const IndexedTable table, find(query.table));
    return scan_postgres(*db_, table, query, after, take);
  }
  void answer_within(uint64_t ms) override { answer_ms_ = ms; }

  Result<VerifyReport> verify(const StoreProgress& progress) override {
    LEAT_TRY(db_->limit_time(0));
    limited_ = false;
    LEAT_TRY(db_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"));
    Result<VerifyReport> report = verify_postgres(*db_, progress);
    return ended(std::move(report));
  }
  Result<std::vector<Rebuilt>> rebuild(const RebuildRequest& request, const StoreProgress& progress) override {
    LEAT_ASSIGN(const auto db, PostgresDatabase::open(options_));
    return rebuild_postgres(*db, request, progress);
  }
  Result<Undone> rewind(const RewindRequest& request) override {
    LEAT_ASSIGN(const auto db, PostgresDatabase::open(options_));
    return rewind_postgres(*db, request);
  }

 private:
  // The snapshot is let go, with all temporary tables made in it.
  template <class T>
  Result<T> ended(Result<T> result) {
    Status rolled_back = db_->execute("ROLLBACK");
    if (result.ok() && !rolled_back.ok()) return rolled_back;
    return result;
  }
  Status begin_answer() {
    if (limited_ || answer_ms_ == 0) return {};
    limited_ = true;
    return db_->limit_time(answer_ms_);
  }
  Result<IndexedTable> find(const std::string& name) {
    LEAT_ASSIGN(std::vector<IndexedTable> tables, read_postgres_tables(*db_));
    for (IndexedTable& table : tables) {
      if (table.shown.name == name) return std::move(table);
    }
    return Status::bad_config(fmt::format("{}: there is no table '{}' of leat's", db_->where(), name));
  }
  Result<std::vector<PipelineState>> read_pipelines();
  Status read_parts(PipelineState& state);

  PostgresOpen options_;
  std::unique_ptr<PostgresDatabase> db_;  // for reading only
  uint64_t answer_ms_ = 0;                // 0: as long as it takes
  bool limited_ = false;                  // the server knows
};

Result<std::vector<PipelineState>> PostgresStore::read_pipelines() {
  LEAT_ASSIGN(PostgresRows rows,
              db_->query("SELECT pipeline, table_name, writer, ended_at, committed_at, rows_per_second, last_error, "
                         "error_at FROM _leat_pipelines ORDER BY pipeline"));
  std::vector<PipelineState> states;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) break;
    PipelineState& state = states.emplace_back();
    state.pipeline = rows.string(0);
    state.table = rows.string(1);
    const std::string writer = rows.string(2);
    state.writer = writer.substr(0, writer.find(" ("));
    // Whoever runs it holds its lock, on whatever machine.
    const auto lock = static_cast<uint64_t>(postgres_lock(*db_, state.pipeline));
    LEAT_ASSIGN(const int64_t held,
                db_->query_integer(fmt::format(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
                    "AND classid = {} AND objid = {} AND database = (SELECT oid FROM pg_database WHERE "
                    "datname = current_database())",
                    lock >> 32, lock & UINT32_MAX)));
    state.writer_alive = os::is_alive(writer);
    state.running = rows.is_null(3) && held > 0;
    state.committed_micros = time_at(rows, 4);
    state.rows_per_second = rows.real(5);
    state.last_error = rows.string(6);
    state.error_micros = time_at(rows, 7);
  }
  for (PipelineState& state : states) {
    LEAT_TRY(read_parts(state));
    LEAT_ASSIGN(state.run, read_postgres_run(*db_, state.pipeline));
    LEAT_ASSIGN(const std::vector<AggregateSpec> specs, read_postgres_aggregates(*db_, state.pipeline));
    for (const AggregateSpec& spec : specs) {
      state.aggregates.push_back(spec.name);
      state.timezones.push_back(spec.timezone);
    }
  }
  return states;
}

Status PostgresStore::read_parts(PipelineState& state) {
  LEAT_ASSIGN(
      PostgresRows rows,
      db_->query("SELECT p.part, p.name, p.origin, o.\"offset\", o.token, r.inserted, r.updated, r.ignored, "
                 "r.filtered, r.rejected, r.digest, CASE WHEN r.gap THEN r.\"end\" - r.start ELSE 0 END "
                 "FROM _leat_parts AS p LEFT JOIN _leat_positions AS o USING(part) "
                 "LEFT JOIN (SELECT part, start, \"end\", inserted, updated, ignored, filtered, rejected, "
                 "digest, gap FROM _leat_ranges UNION ALL SELECT part, start, \"end\", inserted, updated, 0, 0, "
                 "rejected, digest, false FROM _leat_provisional) AS r USING(part) "
                 "WHERE p.pipeline = $1 ORDER BY p.part",
                 PostgresParameters::of(state.pipeline)));
  int64_t last = -1;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return {};
    if (state.parts.empty() || rows.integer(0) != last) {
      last = rows.integer(0);
      state.parts.emplace_back().position = {original_text(rows.text(1)), original_text(rows.text(2)), rows.number(3),
                                             original_text(rows.text(4))};
    }
    PartState& part = state.parts.back();
    part.counts.add({.inserted = rows.number(5),
                     .updated = rows.number(6),
                     .ignored = rows.number(7),
                     .filtered = rows.number(8),
                     .rejected = rows.number(9),
                     .digest = rows.number(10)});
    part.gap_bytes += rows.number(11);
  }
}

Result<StoredRows> PostgresStore::aggregate_rows(const AggregateQuery& query) {
  LEAT_TRY(begin_answer());
  std::string columns;
  for (const std::string& column : query.columns) columns += (columns.empty() ? "" : ", ") + sql_name(column);
  std::string where;
  PostgresParameters parameters;
  if (!query.key.empty()) {
    where = fmt::format(" WHERE {} IS NULL", sql_name(query.key));
    if (!std::holds_alternative<std::monostate>(query.is)) where = fmt::format(" WHERE {} = $1", sql_name(query.key));
    if (const auto* integer = std::get_if<int64_t>(&query.is)) parameters.add(*integer);
    if (const auto* real = std::get_if<double>(&query.is)) parameters.add(*real);
    if (const auto* text = std::get_if<std::string>(&query.is)) parameters.add(*text);
  }
  LEAT_ASSIGN(PostgresRows found,
              db_->query(fmt::format("SELECT {} FROM {}{} ORDER BY {} DESC NULLS LAST, 1 NULLS FIRST LIMIT {}", columns,
                                     sql_name(query.aggregate.name), where, sql_name(query.order), query.limit),
                         parameters));
  StoredRows rows;
  for (;;) {
    LEAT_ASSIGN(const bool row, found.step());
    if (!row) return rows;
    std::vector<StoredValue>& values = rows.emplace_back();
    for (int i = 0; i < found.columns(); ++i) values.push_back(postgres_value(found, i));
  }
}

Status PostgresStore::rejects(const RejectQuery& query, const std::function<bool(const StoredReject&)>& take) {
  LEAT_TRY(begin_answer());
  LEAT_TRY(db_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  const auto read = [&]() -> Result<bool> {
    const char* order = query.by_place ? "r.origin, r.part, r.byte_offset" : "r.reject DESC";
    LEAT_ASSIGN(
        PostgresRows rows,
        db_->cursor(fmt::format("SELECT r.reject, r.pipeline, r.origin, r.byte_offset, r.line, r.column_name, "
                                "r.reason, r.raw_length, r.at, substr(r.raw, 1, {}), p.name FROM _leat_rejects AS r "
                                "LEFT JOIN _leat_parts AS p USING(part) WHERE r.pipeline = $1 ORDER BY {} LIMIT $2 "
                                "OFFSET $3",
                                std::min<size_t>(query.raw_bytes, INT32_MAX), order),
                    PostgresParameters::of(query.pipeline, std::min<uint64_t>(query.limit, INT64_MAX),
                                           std::min<uint64_t>(query.skip, INT64_MAX))));
    for (;;) {
      LEAT_ASSIGN(const bool found, rows.step());
      if (!found) return true;
      StoredReject reject;
      reject.number = rows.integer(0);
      reject.pipeline = rows.string(1);
      reject.origin = rows.string(2);
      reject.byte_offset = rows.number(3);
      reject.line = rows.number(4);
      reject.column = rows.string(5);
      reject.reason = rows.string(6);
      reject.raw_length = rows.number(7);
      reject.at = format_time(rows.time(8));
      reject.raw = rows.string(9);
      reject.part = original_text(rows.text(10));
      if (!take(reject)) return true;
    }
  };
  Result<bool> outcome = read();
  return ended(std::move(outcome)).status().clone();
}

}  // namespace

Result<std::unique_ptr<Store>> open_postgres_store(const PostgresOpen& options) {
  LEAT_ASSIGN(auto db, PostgresDatabase::open(options));
  LEAT_ASSIGN(const bool there, check_postgres_layout(*db));
  if (!there) return std::unique_ptr<Store>();
  return std::unique_ptr<Store>(std::make_unique<PostgresStore>(options, std::move(db)));
}

}  // namespace leat
