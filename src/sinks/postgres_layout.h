#pragma once

// The tables whose names begin with _leat_ (docs/formats/postgres.md). Any thread.

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/aggregate_spec.h"
#include "data/schema.h"
#include "db/postgres.h"
#include "flow/run.h"
#include "flow/sink.h"

namespace leat {

constexpr int64_t kPostgresLayout = 1;

// Within a transaction, one pipeline at a time: makes the tables when they are missing. bad_config: a newer layout.
Status make_postgres_layout(const PostgresDatabase& db);
// False: leat has written nothing to the schema. bad_config: another layout.
Result<bool> check_postgres_layout(const PostgresDatabase& db);

// As of SQLite: the columns of a pipeline's table (none: not known), what its decoder has inferred, its aggregates.
Result<Schema> read_postgres_schema(const PostgresDatabase& db, const std::string& pipeline);
Result<WriteMode> read_postgres_write_mode(const PostgresDatabase& db, const std::string& pipeline);
Result<std::string> read_postgres_source_schema(const PostgresDatabase& db, const std::string& pipeline);
Status keep_postgres_source_schema(const PostgresDatabase& db, const std::string& pipeline, const std::string& schema);
Result<std::vector<AggregateSpec>> read_postgres_aggregates(const PostgresDatabase& db, const std::string& pipeline);

// The last run of a pipeline with a schedule.
Result<std::optional<PipelineRun>> read_postgres_run(const PostgresDatabase& db, const std::string& pipeline);
Status keep_postgres_run(const PostgresDatabase& db, const std::string& pipeline, const PipelineRun& run);

}  // namespace leat
