#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "base/time.h"
#include "db/sqlite.h"
#include "os/file_system.h"
#include "os/process.h"
#include "sinks/sqlite.h"
#include "sinks/sqlite_layout.h"
#include "sinks/sqlite_rebuild.h"
#include "sinks/sqlite_rewind.h"
#include "sinks/sqlite_runs.h"
#include "sinks/sqlite_scan.h"
#include "sinks/sqlite_value.h"
#include "sinks/sqlite_verify.h"

namespace leat {
namespace {

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, std::unique_ptr<SqliteDatabase> db)
      : path_(std::move(path)), db_(std::move(db)), tables_(*db_) {}

  Result<std::vector<PipelineState>> pipelines() override {
    begin_answer();
    LEAT_TRY(db_->execute("BEGIN"));
    Result<std::vector<PipelineState>> states = read_pipelines();
    return ended(std::move(states));
  }

  Result<Schema> schema(const std::string& pipeline) override {
    begin_answer();
    return read_sqlite_schema(*db_, pipeline);
  }

  Result<std::vector<AggregateSpec>> aggregates(const std::string& pipeline) override {
    begin_answer();
    return read_sqlite_aggregates(*db_, pipeline);
  }

  Result<StoredRows> aggregate_rows(const AggregateQuery& query) override;
  Status rejects(const RejectQuery& query, const std::function<bool(const StoredReject&)>& take) override;
  Result<std::vector<StoredTable>> tables() override;
  Result<int64_t> last_row(const std::string& table) override;
  Result<ScanPiece> scan(const ScanQuery& query, const std::optional<ScanKey>& after, const TakeRow& take) override;
  void answer_within(uint64_t ms) override { answer_ms_ = ms; }

  Result<VerifyReport> verify(const StoreProgress& progress) override {
    db_->limit_time(0);
    LEAT_TRY(db_->execute("BEGIN"));
    Result<VerifyReport> report = verify_sqlite(*db_, progress);
    return ended(std::move(report));
  }

  Result<std::vector<Rebuilt>> rebuild(const RebuildRequest& request, const StoreProgress& progress) override {
    return rebuild_sqlite(path_, request, progress);
  }

  Result<Undone> rewind(const RewindRequest& request) override { return rewind_sqlite(path_, request); }

 private:
  // The snapshot is let go, with all temporary tables made in it.
  template <class T>
  Result<T> ended(Result<T> result) {
    Status rolled_back = db_->execute("ROLLBACK");
    if (result.ok() && !rolled_back.ok()) return rolled_back;
    return result;
  }

  void begin_answer() {
    if (answer_ms_ > 0) db_->limit_time(answer_ms_);
  }

  Result<std::vector<PipelineState>> read_pipelines();
  Status read_parts(PipelineState& state);

  std::string path_;
  std::unique_ptr<SqliteDatabase> db_;  // for reading only
  SqliteTables tables_;
  uint64_t answer_ms_ = 0;  // 0: as long as it takes
};

Result<std::vector<PipelineState>> SqliteStore::read_pipelines() {
  LEAT_ASSIGN(SqliteStatement select,
              db_->prepare("SELECT pipeline, table_name, writer, ended_at, committed_at, rows_per_second, last_error, "
                           "error_at FROM _leat_pipelines ORDER BY pipeline"));
  std::vector<PipelineState> states;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) break;
    PipelineState& state = states.emplace_back();
    state.pipeline = select.string(0);
    state.table = select.string(1);
    const std::string writer = select.string(2);
    state.writer = writer.substr(0, writer.find(" ("));
    state.writer_alive = os::is_alive(writer);
    state.running = state.writer_alive && select.is_null(3);
    state.committed_micros = time_at(select, 4);
    state.rows_per_second = select.real(5);
    state.last_error = select.string(6);
    state.error_micros = time_at(select, 7);
  }
  for (PipelineState& state : states) {
    LEAT_TRY(read_parts(state));
    LEAT_ASSIGN(state.run, read_sqlite_run(*db_, state.pipeline));
    LEAT_ASSIGN(const std::vector<AggregateSpec> specs, read_sqlite_aggregates(*db_, state.pipeline));
    for (const AggregateSpec& spec : specs) {
      state.aggregates.push_back(spec.name);
      state.timezones.push_back(spec.timezone);
    }
  }
  return states;
}

Status SqliteStore::read_parts(PipelineState& state) {
  LEAT_ASSIGN(
      SqliteStatement select,
      db_->prepare("SELECT p.part, p.name, p.origin, o.\"offset\", o.token, r.inserted, r.updated, r.ignored, "
                   "r.filtered, r.rejected, r.digest, CASE WHEN r.gap THEN r.\"end\" - r.start ELSE 0 END "
                   "FROM _leat_parts AS p LEFT JOIN _leat_positions AS o USING(part) "
                   "LEFT JOIN (SELECT part, start, \"end\", inserted, updated, ignored, filtered, rejected, "
                   "digest, gap FROM _leat_ranges UNION ALL SELECT part, start, \"end\", inserted, updated, 0, 0, "
                   "rejected, digest, 0 FROM _leat_provisional) AS r USING(part) "
                   "WHERE p.pipeline = ? ORDER BY p.part"));
  select.with(std::string_view(state.pipeline));
  int64_t last = -1;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return {};
    if (state.parts.empty() || select.integer(0) != last) {
      last = select.integer(0);
      state.parts.emplace_back().position = {select.string(1), select.string(2), select.number(3), select.string(4)};
    }
    PartState& part = state.parts.back();
    part.counts.add({.inserted = select.number(5),
                     .updated = select.number(6),
                     .ignored = select.number(7),
                     .filtered = select.number(8),
                     .rejected = select.number(9),
                     .digest = select.number(10)});
    part.gap_bytes += select.number(11);
  }
}

Result<StoredRows> SqliteStore::aggregate_rows(const AggregateQuery& query) {
  begin_answer();
  // Qualified: SQLite takes an unknown name in double quotes for a text.
  const std::string table = sql_name(query.aggregate.name);
  std::string columns;
  for (const std::string& column : query.columns) {
    columns += fmt::format("{}{}.{}", columns.empty() ? "" : ", ", table, sql_name(column));
  }
  const std::string where = query.key.empty() ? "" : fmt::format(" WHERE {}.{} IS ?1", table, sql_name(query.key));
  LEAT_ASSIGN(SqliteStatement select,
              db_->prepare(fmt::format("SELECT {} FROM {}{} ORDER BY {}.{} DESC, 1 LIMIT {}", columns, table, where,
                                       table, sql_name(query.order), query.limit)));
  if (!query.key.empty()) bind_value(select, 1, query.is);
  StoredRows rows;
  for (;;) {
    LEAT_ASSIGN(const bool found, select.step());
    if (!found) return rows;
    std::vector<StoredValue>& row = rows.emplace_back();
    for (int i = 0; i < select.columns(); ++i) row.push_back(value_at(select, i));
  }
}

Status SqliteStore::rejects(const RejectQuery& query, const std::function<bool(const StoredReject&)>& take) {
  begin_answer();
  // The raw texts stay out of the sorting.
  const char* order = query.by_place ? "origin, part, byte_offset" : "reject DESC";
  LEAT_ASSIGN(
      SqliteStatement select,
      db_->prepare(fmt::format(
          "SELECT r.reject, r.pipeline, r.origin, r.byte_offset, r.line, r.column_name, r.reason, r.raw_length, "
          "r.at, substr(CAST(r.raw AS BLOB), 1, ?4), p.name FROM (SELECT reject FROM _leat_rejects WHERE pipeline = ?1 "
          "ORDER BY {} LIMIT ?2 OFFSET ?3) AS chosen CROSS JOIN _leat_rejects AS r USING(reject) "
          "LEFT JOIN _leat_parts AS p ON p.part = r.part",
          order)));
  select.with(std::string_view(query.pipeline), query.limit, query.skip, static_cast<uint64_t>(query.raw_bytes));
  for (;;) {
    LEAT_ASSIGN(const bool found, select.step());
    if (!found) return {};
    StoredReject reject;
    reject.number = select.integer(0);
    reject.pipeline = select.string(1);
    reject.origin = select.string(2);
    reject.byte_offset = select.number(3);
    reject.line = select.number(4);
    reject.column = select.string(5);
    reject.reason = select.string(6);
    reject.raw_length = select.number(7);
    reject.at = select.string(8);
    reject.raw = select.string(9);
    reject.part = select.string(10);
    if (!take(reject)) return {};
  }
}

Result<std::vector<StoredTable>> SqliteStore::tables() {
  begin_answer();
  LEAT_ASSIGN(const std::vector<IndexedTable>* tables, tables_.all());
  std::vector<StoredTable> shown;
  for (const IndexedTable& table : *tables) shown.push_back(table.shown);
  return shown;
}

Result<int64_t> SqliteStore::last_row(const std::string& table) {
  begin_answer();
  LEAT_ASSIGN(const IndexedTable* found, tables_.find(table));
  return db_->query_integer(fmt::format("SELECT max({0}.{1}) FROM {0}", sql_name(table), sql_name(found->row_number)));
}

Result<ScanPiece> SqliteStore::scan(const ScanQuery& query, const std::optional<ScanKey>& after, const TakeRow& take) {
  begin_answer();
  LEAT_ASSIGN(const IndexedTable* table, tables_.find(query.table));
  return scan_sqlite(*db_, *table, query, after, take);
}

Result<std::unique_ptr<SqliteDatabase>> open_checked(const std::string& path, bool immutable) {
  LEAT_ASSIGN(auto db, SqliteDatabase::open({.path = path, .vfs = "", .read_only = true, .immutable = immutable}));
  LEAT_TRY(check_sqlite_layout(*db));
  LEAT_TRY(db->execute("PRAGMA temp_store = FILE"));
  db->opened();
  return db;
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path) {
  auto db = open_checked(path, false);
  if (db.status().kind() == Kind::bad_config) {
    // Maybe only because its folder may not be written to, where a -shm file is missing. Without a -wal file nobody has
    // the database open, and it can be read as it is. Any other reason shows again.
    LEAT_ASSIGN(const std::optional<os::FileInfo> log, os::file_system().info(path + "-wal", os::Links::follow));
    if (!log) db = open_checked(path, true);
  }
  LEAT_TRY(db.status().clone());
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(path, *std::move(db)));
}

}  // namespace leat
