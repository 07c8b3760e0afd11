#pragma once

// The tables whose names begin with _leat_ (docs/formats/database.md). Any thread.

#include <string>
#include <vector>

#include "base/status.h"
#include "data/aggregate_spec.h"
#include "db/leat_database.h"
#include "db/sqlite.h"
#include "flow/sink.h"

namespace leat {

// Within a transaction: makes the tables, or brings those of an older layout up to date. bad_config: a newer one.
Status make_sqlite_layout(const SqliteDatabase& db, int64_t now_micros);

// SinkPlan::source_schema of a pipeline. It has a table of its own, made when there is something to keep.
Result<std::string> read_sqlite_source_schema(const SqliteDatabase& db, const std::string& pipeline);
Status keep_sqlite_source_schema(const SqliteDatabase& db, const std::string& pipeline, const std::string& schema);
// How a pipeline's table is written; append: the pipeline is not known.
Result<WriteMode> read_sqlite_write_mode(const SqliteDatabase& db, const std::string& pipeline);

// The aggregates of a pipeline as they are stored, by name.
Result<std::vector<AggregateSpec>> read_sqlite_aggregates(const SqliteDatabase& db, const std::string& pipeline);

}  // namespace leat
