#include "sinks/duckdb_store.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/time.h"
#include "db/sql.h"
#include "os/process.h"
#include "sinks/duckdb_claim.h"
#include "sinks/duckdb_layout.h"
#include "sinks/duckdb_mend.h"
#include "sinks/duckdb_parts.h"
#include "sinks/duckdb_tables.h"
#include "sinks/duckdb_verify.h"

namespace leat {
namespace {

std::optional<int64_t> time_at(const DuckDbRows& row, int at) {
  if (row.is_null(at)) return std::nullopt;
  return row.integer(at);
}

class DuckDbStore final : public Store {
 public:
  DuckDbStore(std::string path, std::stop_token stop) : path_(std::move(path)), stop_(std::move(stop)) {}

  Result<std::vector<PipelineState>> pipelines() override {
    LEAT_ASSIGN(const Opened opened, open());
    LEAT_TRY(db_->execute("BEGIN"));
    Result<std::vector<PipelineState>> states = read_pipelines();
    return ended(std::move(states));
  }
  Result<Schema> schema(const std::string& pipeline) override {
    LEAT_ASSIGN(const Opened opened, open());
    return read_duckdb_schema(*db_, pipeline);
  }
  Result<std::vector<AggregateSpec>> aggregates(const std::string& pipeline) override {
    LEAT_ASSIGN(const Opened opened, open());
    return read_duckdb_aggregates(*db_, pipeline);
  }
  Result<StoredRows> aggregate_rows(const AggregateQuery& query) override;
  Status rejects(const RejectQuery& query, const std::function<bool(const StoredReject&)>& take) override;
  Result<std::vector<StoredTable>> tables() override {
    LEAT_ASSIGN(const Opened opened, open());
    LEAT_ASSIGN(const std::vector<IndexedTable> tables, read_duckdb_tables(*db_));
    std::vector<StoredTable> shown;
    for (const IndexedTable& table : tables) shown.push_back(table.shown);
    return shown;
  }
  Result<int64_t> last_row(const std::string& table) override {
    LEAT_ASSIGN(const Opened opened, open());
    LEAT_ASSIGN(const IndexedTable found, find(table));
    return db_->query_integer(fmt::format("SELECT max({}) FROM {}", sql_name(found.row_number), sql_name(table)));
  }
  Result<ScanPiece> scan(const ScanQuery& query, const std::optional<ScanKey>& after, const TakeRow& take) override {
    LEAT_ASSIGN(const Opened opened, open());
    LEAT_ASSIGN(const IndexedTable table, find(query.table));
    return scan_duckdb(*db_, table, query, after, take);
  }
  void answer_within(uint64_t ms) override { answer_ms_ = ms; }

  Result<VerifyReport> verify(const StoreProgress& progress) override {
    LEAT_ASSIGN(const Opened opened, open());
    db_->limit_time(0);
    LEAT_TRY(db_->execute("BEGIN"));
    Result<VerifyReport> report = verify_duckdb(*db_, progress);
    return ended(std::move(report));
  }
  Result<std::vector<Rebuilt>> rebuild(const RebuildRequest& request, const StoreProgress& progress) override {
    LEAT_ASSIGN(const auto db, DuckDb::open({.path = path_}));
    return rebuild_duckdb(*db, request, progress);
  }
  Result<Undone> rewind(const RewindRequest& request) override {
    LEAT_ASSIGN(const auto db, DuckDb::open({.path = path_}));
    return rewind_duckdb(*db, request);
  }

 private:
  // The snapshot is let go, with all temporary tables made in it.
  template <class T>
  Result<T> ended(Result<T> result) {
    Status rolled_back = db_->execute("ROLLBACK");
    if (result.ok() && !rolled_back.ok()) return rolled_back;
    return result;
  }
  // The file is open during a call only, so that others get at it in between, also those that write.
  struct Close {
    void operator()(DuckDbStore* store) const { store->db_.reset(); }
  };
  using Opened = std::unique_ptr<DuckDbStore, Close>;
  Result<Opened> open() {
    LEAT_ASSIGN(db_, DuckDb::open({.path = path_, .read_only = true, .stop = stop_}));
    db_->limit_time(answer_ms_);
    return Opened(this);
  }
  Result<IndexedTable> find(const std::string& name) {
    LEAT_ASSIGN(std::vector<IndexedTable> tables, read_duckdb_tables(*db_));
    for (IndexedTable& table : tables) {
      if (table.shown.name == name) return std::move(table);
    }
    return Status::bad_config(fmt::format("{}: there is no table '{}' of leat's", db_->where(), name));
  }
  Result<std::vector<PipelineState>> read_pipelines();
  Status read_parts(PipelineState& state);

  std::string path_;
  std::stop_token stop_;
  std::unique_ptr<DuckDb> db_;  // during a call
  uint64_t answer_ms_ = 0;      // 0: as long as it takes
};

Result<std::vector<PipelineState>> DuckDbStore::read_pipelines() {
  LEAT_ASSIGN(DuckDbRows rows,
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
    state.writer_alive = os::is_alive(writer);
    state.running = state.writer_alive && rows.is_null(3);
    state.committed_micros = time_at(rows, 4);
    state.rows_per_second = rows.real(5);
    state.last_error = rows.string(6);
    state.error_micros = time_at(rows, 7);
  }
  for (PipelineState& state : states) {
    LEAT_TRY(read_parts(state));
    LEAT_ASSIGN(state.run, read_duckdb_run(*db_, state.pipeline));
    LEAT_ASSIGN(const std::vector<AggregateSpec> specs, read_duckdb_aggregates(*db_, state.pipeline));
    for (const AggregateSpec& spec : specs) {
      state.aggregates.push_back(spec.name);
      state.timezones.push_back(spec.timezone);
    }
  }
  return states;
}

Status DuckDbStore::read_parts(PipelineState& state) {
  LEAT_ASSIGN(
      DuckDbRows rows,
      db_->query("SELECT p.part, p.name, p.origin, o.\"offset\", o.token, r.inserted, r.updated, r.ignored, "
                 "r.filtered, r.rejected, r.digest, CASE WHEN r.gap THEN r.\"end\" - r.start ELSE 0 END "
                 "FROM _leat_parts AS p LEFT JOIN _leat_positions AS o USING(part) "
                 "LEFT JOIN (SELECT part, start, \"end\", inserted, updated, ignored, filtered, rejected, "
                 "digest, gap FROM _leat_ranges UNION ALL SELECT part, start, \"end\", inserted, updated, 0, 0, "
                 "rejected, digest, false FROM _leat_provisional) AS r USING(part) "
                 "WHERE p.pipeline = $1 ORDER BY p.part",
                 state.pipeline));
  int64_t last = -1;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return {};
    if (state.parts.empty() || rows.integer(0) != last) {
      last = rows.integer(0);
      state.parts.emplace_back().position = {rows.string(1), rows.string(2), rows.number(3), rows.string(4)};
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

Result<StoredRows> DuckDbStore::aggregate_rows(const AggregateQuery& query) {
  LEAT_ASSIGN(const Opened opened, open());
  std::string columns;
  for (const std::string& column : query.columns) columns += (columns.empty() ? "" : ", ") + sql_name(column);
  std::string where;
  std::vector<DuckDbValue> parameters;
  if (!query.key.empty()) {
    where = fmt::format(" WHERE {} IS NULL", sql_name(query.key));
    if (!std::holds_alternative<std::monostate>(query.is)) where = fmt::format(" WHERE {} = $1", sql_name(query.key));
    if (const auto* integer = std::get_if<int64_t>(&query.is)) parameters.emplace_back(*integer);
    if (const auto* real = std::get_if<double>(&query.is)) parameters.emplace_back(*real);
    if (const auto* text = std::get_if<std::string>(&query.is)) parameters.emplace_back(std::string_view(*text));
  }
  LEAT_ASSIGN(DuckDbRows found,
              db_->run(fmt::format("SELECT {} FROM {}{} ORDER BY {} DESC NULLS LAST, 1 NULLS FIRST LIMIT {}", columns,
                                   sql_name(query.aggregate.name), where, sql_name(query.order), query.limit),
                       parameters));
  StoredRows rows;
  for (;;) {
    LEAT_ASSIGN(const bool row, found.step());
    if (!row) return rows;
    std::vector<StoredValue>& values = rows.emplace_back();
    for (int i = 0; i < found.columns(); ++i) values.push_back(duckdb_value(found, i));
  }
}

Status DuckDbStore::rejects(const RejectQuery& query, const std::function<bool(const StoredReject&)>& take) {
  LEAT_ASSIGN(const Opened opened, open());
  const char* order = query.by_place ? "r.origin, r.part, r.byte_offset" : "r.reject DESC";
  LEAT_ASSIGN(
      DuckDbRows rows,
      db_->query(
          fmt::format("SELECT r.reject, r.pipeline, r.origin, r.byte_offset, r.line, r.column_name, "
                      "r.reason, r.raw_length, r.\"at\", r.raw, p.name FROM _leat_rejects AS r LEFT JOIN "
                      "_leat_parts AS p USING(part) WHERE r.pipeline = $1 ORDER BY {} LIMIT {} OFFSET {}",
                      order, std::min<uint64_t>(query.limit, INT64_MAX), std::min<uint64_t>(query.skip, INT64_MAX)),
          query.pipeline));
  for (;;) {
    LEAT_ASSIGN(const bool found, rows.step());
    if (!found) return {};
    StoredReject reject;
    reject.number = rows.integer(0);
    reject.pipeline = rows.string(1);
    reject.origin = rows.string(2);
    reject.byte_offset = rows.number(3);
    reject.line = rows.number(4);
    reject.column = rows.string(5);
    reject.reason = rows.string(6);
    reject.raw_length = rows.number(7);
    reject.at = format_time(rows.integer(8));
    reject.raw = std::string(rows.text(9).substr(0, query.raw_bytes));
    reject.part = rows.string(10);
    if (!take(reject)) return {};
  }
}

}  // namespace

Result<std::unique_ptr<Store>> open_duckdb_file_store(const std::string& path, std::stop_token stop) {
  LEAT_ASSIGN(const auto db, DuckDb::open({.path = path, .read_only = true}));
  LEAT_ASSIGN(const bool there, check_duckdb_layout(*db));
  if (there) return std::unique_ptr<Store>(std::make_unique<DuckDbStore>(path, std::move(stop)));
  return Status::bad_config(fmt::format("{}: leat has not written this database; name one that it has", visible(path)));
}

}  // namespace leat
