#include "sinks/duckdb_layout.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"

namespace leat {
namespace {

// No keys and no indexes: docs/decisions/0007-duckdb.md says why.
constexpr const char* kTables = R"(
CREATE SEQUENCE _leat_part_numbers;
CREATE SEQUENCE _leat_reject_numbers;
CREATE TABLE _leat_meta(version BIGINT NOT NULL, created_at TIMESTAMP NOT NULL, created_by VARCHAR NOT NULL);
CREATE TABLE _leat_pipelines(pipeline VARCHAR NOT NULL, table_name VARCHAR NOT NULL, write_mode VARCHAR NOT NULL,
  sequence BIGINT NOT NULL, next_row BIGINT NOT NULL, writer VARCHAR NOT NULL, ended_at TIMESTAMP,
  committed_at TIMESTAMP, rows_per_second DOUBLE NOT NULL DEFAULT 0, last_error VARCHAR, error_at TIMESTAMP,
  source_schema VARCHAR NOT NULL DEFAULT '', key_columns VARCHAR[]);
CREATE TABLE _leat_columns(pipeline VARCHAR NOT NULL, ordinal BIGINT NOT NULL, name VARCHAR NOT NULL,
  type VARCHAR NOT NULL, bytes BOOLEAN NOT NULL);
CREATE TABLE _leat_parts(part BIGINT NOT NULL, pipeline VARCHAR NOT NULL, name BLOB NOT NULL, origin BLOB NOT NULL);
CREATE TABLE _leat_positions(part BIGINT NOT NULL, "offset" BIGINT NOT NULL, token BLOB NOT NULL,
  sequence BIGINT NOT NULL);
CREATE TABLE _leat_ranges(part BIGINT NOT NULL, start BIGINT NOT NULL, "end" BIGINT NOT NULL, inserted BIGINT NOT NULL,
  updated BIGINT NOT NULL, ignored BIGINT NOT NULL, filtered BIGINT NOT NULL, rejected BIGINT NOT NULL,
  digest BIGINT NOT NULL, gap BOOLEAN NOT NULL);
CREATE TABLE _leat_provisional(part BIGINT NOT NULL, start BIGINT NOT NULL, "end" BIGINT NOT NULL,
  inserted BIGINT NOT NULL, rejected BIGINT NOT NULL, digest BIGINT NOT NULL, first_row BIGINT NOT NULL,
  first_reject BIGINT NOT NULL, content BIGINT NOT NULL, updated BIGINT NOT NULL);
CREATE TABLE _leat_taken(part BIGINT NOT NULL, rows BIGINT NOT NULL, digest BIGINT NOT NULL);
CREATE TABLE _leat_rejects(reject BIGINT NOT NULL, pipeline VARCHAR NOT NULL, part BIGINT NOT NULL,
  origin BLOB NOT NULL, byte_offset BIGINT NOT NULL, line BIGINT NOT NULL, column_name VARCHAR NOT NULL,
  reason VARCHAR NOT NULL, raw BLOB NOT NULL, raw_length BIGINT NOT NULL, raw_hash VARCHAR NOT NULL,
  "at" TIMESTAMP NOT NULL);
CREATE TABLE _leat_aggregates(aggregate VARCHAR NOT NULL, pipeline VARCHAR NOT NULL, timezone VARCHAR NOT NULL);
CREATE TABLE _leat_aggregate_columns(aggregate VARCHAR NOT NULL, ordinal BIGINT NOT NULL, role VARCHAR NOT NULL,
  name VARCHAR NOT NULL, expression VARCHAR NOT NULL);
CREATE TABLE _leat_runs(pipeline VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL, ended_at TIMESTAMP NOT NULL,
  error VARCHAR NOT NULL, next_at TIMESTAMP);
)";

}  // namespace

Status make_duckdb_layout(const DuckDb& db, int64_t now_micros) {
  LEAT_ASSIGN(const bool there, check_duckdb_layout(db));
  if (there) return {};
  LEAT_TRY(db.execute(kTables));
  return db.change("INSERT INTO _leat_meta VALUES($1, $2, 'leat')", kDuckDbLayout, DuckDbTime{now_micros})
      .status()
      .clone();
}

Result<bool> check_duckdb_layout(const DuckDb& db) {
  LEAT_ASSIGN(const bool there, db.has_table("_leat_meta"));
  if (!there) return false;
  LEAT_ASSIGN(const int64_t version, db.query_integer("SELECT max(version) FROM _leat_meta", -1));
  if (version == kDuckDbLayout) return true;
  if (version > kDuckDbLayout) {
    return Status::bad_config(fmt::format("{}: made by a newer leat (layout {}, this one knows {}); use that version",
                                          db.where(), version, kDuckDbLayout));
  }
  return Status::fatal(fmt::format(
      "{}: table '_leat_meta' holds no layout version; it was changed by someone else, name another file", db.where()));
}

Result<Schema> read_duckdb_schema(const DuckDb& db, const std::string& pipeline) {
  LEAT_ASSIGN(DuckDbRows rows,
              db.query("SELECT name, type, bytes FROM _leat_columns WHERE pipeline = $1 ORDER BY ordinal", pipeline));
  Schema schema;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return schema;
    const std::optional<Type> type = type_named(rows.text(1));
    if (!type) {
      return Status::fatal(
          fmt::format("{}: table '_leat_columns' has the unknown type {} for column {}; it was changed "
                      "by someone else, name another file",
                      db.where(), quoted(rows.text(1)), quoted(rows.text(0))));
    }
    schema.fields.push_back({rows.string(0), *type, rows.integer(2) != 0});
  }
}

Result<std::string> read_duckdb_source_schema(const DuckDb& db, const std::string& pipeline) {
  LEAT_ASSIGN(DuckDbRows rows, db.query("SELECT source_schema FROM _leat_pipelines WHERE pipeline = $1", pipeline));
  LEAT_ASSIGN(const bool row, rows.step());
  return row ? rows.string(0) : std::string();
}

Status keep_duckdb_source_schema(const DuckDb& db, const std::string& pipeline, const std::string& schema) {
  return db
      .change("UPDATE _leat_pipelines SET source_schema = $2 WHERE pipeline = $1 AND source_schema <> $2", pipeline,
              schema)
      .status()
      .clone();
}

Result<WriteMode> read_duckdb_write_mode(const DuckDb& db, const std::string& pipeline) {
  LEAT_ASSIGN(DuckDbRows rows, db.query("SELECT write_mode FROM _leat_pipelines WHERE pipeline = $1", pipeline));
  LEAT_ASSIGN(const bool row, rows.step());
  for (size_t i = 0; row && i < kWriteModes.size(); ++i) {
    if (rows.text(0) == kWriteModes[i]) return static_cast<WriteMode>(i);
  }
  return WriteMode::append;
}

Result<std::vector<std::string>> read_duckdb_key(const DuckDb& db, const std::string& table) {
  LEAT_ASSIGN(DuckDbRows rows,
              db.query("SELECT unnest(key_columns) FROM _leat_pipelines WHERE table_name = $1", table));
  std::vector<std::string> key;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return key;
    key.push_back(rows.string(0));
  }
}

Result<std::vector<AggregateSpec>> read_duckdb_aggregates(const DuckDb& db, const std::string& pipeline) {
  LEAT_ASSIGN(DuckDbRows rows, db.query("SELECT a.aggregate, a.timezone, c.role, c.name, c.expression "
                                        "FROM _leat_aggregates AS a LEFT JOIN _leat_aggregate_columns AS c "
                                        "USING(aggregate) WHERE a.pipeline = $1 ORDER BY 1, c.ordinal",
                                        pipeline));
  std::vector<AggregateSpec> specs;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return specs;
    if (specs.empty() || specs.back().name != rows.text(0)) {
      AggregateSpec& spec = specs.emplace_back();
      spec.name = rows.string(0);
      spec.pipeline = pipeline;
      spec.timezone = rows.string(1);
    }
    if (rows.is_null(2)) continue;
    std::vector<NamedExpression>& columns = rows.text(2) == "by" ? specs.back().by : specs.back().value;
    columns.push_back({rows.string(3), rows.string(4)});
  }
}

Result<std::optional<PipelineRun>> read_duckdb_run(const DuckDb& db, const std::string& pipeline) {
  LEAT_ASSIGN(DuckDbRows rows,
              db.query("SELECT started_at, ended_at, error, next_at FROM _leat_runs WHERE pipeline = $1", pipeline));
  LEAT_ASSIGN(const bool row, rows.step());
  if (!row) return std::optional<PipelineRun>();
  PipelineRun run{rows.integer(0), rows.integer(1), rows.string(2), std::nullopt};
  if (!rows.is_null(3)) run.next_micros = rows.integer(3);
  return std::optional<PipelineRun>(std::move(run));
}

Status keep_duckdb_run(const DuckDb& db, const std::string& pipeline, const PipelineRun& run) {
  LEAT_TRY(db.execute("BEGIN"));
  const auto keep = [&]() -> Status {
    LEAT_TRY(db.change("DELETE FROM _leat_runs WHERE pipeline = $1", pipeline).status().clone());
    LEAT_TRY(db.change("INSERT INTO _leat_runs VALUES($1, $2, $3, $4, NULL)", pipeline, DuckDbTime{run.started_micros},
                       DuckDbTime{run.ended_micros}, visible(run.error, run.error.size() * 4))
                 .status()
                 .clone());
    if (!run.next_micros) return {};
    return db.change("UPDATE _leat_runs SET next_at = $2 WHERE pipeline = $1", pipeline, DuckDbTime{*run.next_micros})
        .status()
        .clone();
  };
  Status kept = keep();
  if (!kept.ok()) {
    const Status ignored = db.execute("ROLLBACK");
    return kept;
  }
  return db.commit();
}

}  // namespace leat
