#pragma once

// The tables whose names begin with _leat_ (docs/sinks/duckdb.md). Any thread.

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/aggregate_spec.h"
#include "data/schema.h"
#include "db/duckdb.h"
#include "flow/sink.h"

namespace leat {

constexpr int64_t kDuckDbLayout = 1;

// Within a transaction: makes the tables when they are missing. bad_config: a newer layout.
Status make_duckdb_layout(const DuckDb& db, int64_t now_micros);
// False: leat has written nothing to the file. bad_config: another layout.
Result<bool> check_duckdb_layout(const DuckDb& db);

// As of SQLite: the columns of a pipeline's table (none: not known), what its decoder has inferred, its aggregates.
Result<Schema> read_duckdb_schema(const DuckDb& db, const std::string& pipeline);
Result<std::string> read_duckdb_source_schema(const DuckDb& db, const std::string& pipeline);
Status keep_duckdb_source_schema(const DuckDb& db, const std::string& pipeline, const std::string& schema);
// How a pipeline's table is written; append: the pipeline is not known.
Result<WriteMode> read_duckdb_write_mode(const DuckDb& db, const std::string& pipeline);
// The columns that make a row of `table` unique; none: it has no key.
Result<std::vector<std::string>> read_duckdb_key(const DuckDb& db, const std::string& table);
Result<std::vector<AggregateSpec>> read_duckdb_aggregates(const DuckDb& db, const std::string& pipeline);

// The last run of a pipeline that has a schedule, if one has ended; keep: in place of it.
Result<std::optional<PipelineRun>> read_duckdb_run(const DuckDb& db, const std::string& pipeline);
Status keep_duckdb_run(const DuckDb& db, const std::string& pipeline, const PipelineRun& run);

}  // namespace leat
