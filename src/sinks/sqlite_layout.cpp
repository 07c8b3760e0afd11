#include "sinks/sqlite_layout.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE _leat_meta(version INTEGER NOT NULL, created_at TEXT NOT NULL, created_by TEXT NOT NULL);
CREATE TABLE _leat_pipelines(pipeline TEXT PRIMARY KEY NOT NULL, table_name TEXT NOT NULL, write_mode TEXT NOT NULL,
  sequence INTEGER NOT NULL, next_row INTEGER NOT NULL, writer TEXT NOT NULL, ended_at TEXT, committed_at TEXT,
  rows_per_second REAL NOT NULL DEFAULT 0, last_error TEXT, error_at TEXT) WITHOUT ROWID;
CREATE TABLE _leat_columns(pipeline TEXT NOT NULL, ordinal INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
  bytes INTEGER NOT NULL, PRIMARY KEY(pipeline, ordinal)) WITHOUT ROWID;
CREATE TABLE _leat_parts(part INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, name TEXT NOT NULL, origin TEXT NOT NULL,
  UNIQUE(pipeline, name));
CREATE TABLE _leat_positions(part INTEGER PRIMARY KEY, "offset" INTEGER NOT NULL, token TEXT NOT NULL,
  sequence INTEGER NOT NULL);
CREATE TABLE _leat_ranges(part INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
  inserted INTEGER NOT NULL, updated INTEGER NOT NULL, ignored INTEGER NOT NULL, filtered INTEGER NOT NULL,
  rejected INTEGER NOT NULL, digest INTEGER NOT NULL, gap INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(part, start)) WITHOUT ROWID;
CREATE TABLE _leat_provisional(part INTEGER PRIMARY KEY, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
  inserted INTEGER NOT NULL, rejected INTEGER NOT NULL, digest INTEGER NOT NULL, first_row INTEGER NOT NULL,
  first_reject INTEGER NOT NULL, content INTEGER NOT NULL, updated INTEGER NOT NULL DEFAULT 0);
CREATE TABLE _leat_taken(part INTEGER PRIMARY KEY, rows INTEGER NOT NULL, digest INTEGER NOT NULL);
CREATE TABLE _leat_rejects(reject INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, part INTEGER NOT NULL,
  origin TEXT NOT NULL, byte_offset INTEGER NOT NULL, line INTEGER NOT NULL, column_name TEXT NOT NULL,
  reason TEXT NOT NULL, raw TEXT NOT NULL, raw_length INTEGER NOT NULL, raw_hash TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE _leat_aggregates(aggregate TEXT PRIMARY KEY NOT NULL, pipeline TEXT NOT NULL, timezone TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE _leat_aggregate_columns(aggregate TEXT NOT NULL, ordinal INTEGER NOT NULL, role TEXT NOT NULL,
  name TEXT NOT NULL, expression TEXT NOT NULL, PRIMARY KEY(aggregate, ordinal)) WITHOUT ROWID;
)";

// What layout 2 has more than layout 1.
constexpr const char* kFromLayout1 = R"(
ALTER TABLE _leat_provisional ADD COLUMN updated INTEGER NOT NULL DEFAULT 0;
CREATE TABLE _leat_taken(part INTEGER PRIMARY KEY, rows INTEGER NOT NULL, digest INTEGER NOT NULL);
UPDATE _leat_meta SET version = 2;
)";

}  // namespace

Status make_sqlite_layout(const SqliteDatabase& db, int64_t now_micros) {
  LEAT_ASSIGN(const bool there, db.has_table("_leat_meta"));
  if (there) {
    LEAT_ASSIGN(const int64_t version, read_sqlite_layout(db));
    return version < kSqliteLayout ? db.execute(kFromLayout1) : Status();
  }
  LEAT_TRY(db.execute(kTables));
  LEAT_ASSIGN(SqliteStatement insert, db.prepare("INSERT INTO _leat_meta VALUES(?, ?, 'leat')"));
  const std::string now = format_time(now_micros);
  return insert.with(kSqliteLayout, std::string_view(now)).run();
}

Result<std::string> read_sqlite_source_schema(const SqliteDatabase& db, const std::string& pipeline) {
  LEAT_ASSIGN(const bool there, db.has_table("_leat_source_schemas"));
  if (!there) return std::string();
  LEAT_ASSIGN(SqliteStatement select, db.prepare("SELECT \"schema\" FROM _leat_source_schemas WHERE pipeline = ?"));
  select.with(std::string_view(pipeline));
  LEAT_ASSIGN(const bool row, select.step());
  return row ? select.string(0) : std::string();
}

Status keep_sqlite_source_schema(const SqliteDatabase& db, const std::string& pipeline, const std::string& schema) {
  LEAT_ASSIGN(const std::string kept, read_sqlite_source_schema(db, pipeline));
  if (kept == schema) return {};
  LEAT_TRY(
      db.execute("CREATE TABLE IF NOT EXISTS _leat_source_schemas(pipeline TEXT PRIMARY KEY NOT NULL, "
                 "\"schema\" TEXT NOT NULL) WITHOUT ROWID"));
  LEAT_ASSIGN(SqliteStatement insert, db.prepare("INSERT OR REPLACE INTO _leat_source_schemas VALUES(?, ?)"));
  return insert.with(std::string_view(pipeline), std::string_view(schema)).run();
}

Result<WriteMode> read_sqlite_write_mode(const SqliteDatabase& db, const std::string& pipeline) {
  LEAT_ASSIGN(SqliteStatement select, db.prepare("SELECT write_mode FROM _leat_pipelines WHERE pipeline = ?"));
  select.with(std::string_view(pipeline));
  LEAT_ASSIGN(const bool known, select.step());
  if (!known) return WriteMode::append;
  for (size_t i = 0; i < kWriteModes.size(); ++i) {
    if (select.text(0) == kWriteModes[i]) return static_cast<WriteMode>(i);
  }
  return Status::fatal(
      fmt::format("{}: pipeline {} has the unknown write mode {}; it was changed by someone else, name "
                  "another file",
                  db.where(), quoted(pipeline), quoted(select.text(0))));
}

Result<std::vector<AggregateSpec>> read_sqlite_aggregates(const SqliteDatabase& db, const std::string& pipeline) {
  LEAT_ASSIGN(SqliteStatement select, db.prepare("SELECT a.aggregate, a.timezone, c.role, c.name, c.expression "
                                                 "FROM _leat_aggregates AS a LEFT JOIN _leat_aggregate_columns AS c "
                                                 "USING(aggregate) WHERE a.pipeline = ? ORDER BY 1, c.ordinal"));
  select.with(std::string_view(pipeline));
  std::vector<AggregateSpec> specs;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return specs;
    if (specs.empty() || specs.back().name != select.text(0)) {
      AggregateSpec& spec = specs.emplace_back();
      spec.name = select.string(0);
      spec.pipeline = pipeline;
      spec.timezone = select.string(1);
    }
    if (select.is_null(2)) continue;
    std::vector<NamedExpression>& columns = select.text(2) == "by" ? specs.back().by : specs.back().value;
    columns.push_back({select.string(3), select.string(4)});
  }
}

}  // namespace leat
