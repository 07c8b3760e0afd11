#pragma once

// The tables whose names begin with _leat_ (docs/formats/database.md). Any thread.

#include <string>
#include <vector>

#include "base/status.h"
#include "data/aggregate_spec.h"
#include "data/schema.h"
#include "db/sqlite.h"

namespace leat {

constexpr int64_t kSqliteLayout = 1;

// Within a transaction: makes the tables, or checks that they are of this layout. bad_config: a newer one.
Status make_sqlite_layout(const SqliteDatabase& db, int64_t now_micros);

// bad_config: not one of ours, or of a newer layout.
Status check_sqlite_layout(const SqliteDatabase& db);

// The columns of a pipeline's table as they are stored; no fields: the pipeline is not known.
Result<Schema> read_sqlite_schema(const SqliteDatabase& db, const std::string& pipeline);

// SinkPlan::source_schema of a pipeline. It has a table of its own, made when there is something to keep.
Result<std::string> read_sqlite_source_schema(const SqliteDatabase& db, const std::string& pipeline);
Status keep_sqlite_source_schema(const SqliteDatabase& db, const std::string& pipeline, const std::string& schema);

// The aggregates of a pipeline as they are stored, by name.
Result<std::vector<AggregateSpec>> read_sqlite_aggregates(const SqliteDatabase& db, const std::string& pipeline);

}  // namespace leat
