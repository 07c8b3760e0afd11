#pragma once

// What has to be known of a database that leat has written before it is read (docs/formats/database.md). Any thread.

#include <cstdint>
#include <string>

#include "base/status.h"
#include "data/schema.h"
#include "db/sqlite.h"

namespace leat {

constexpr int64_t kSqliteLayout = 2;

// The layout's version, at most this one's. bad_config: a newer one.
Result<int64_t> read_sqlite_layout(const SqliteDatabase& db);

// bad_config: not one of ours, or of another layout.
Status check_sqlite_layout(const SqliteDatabase& db);

// The columns of a pipeline's table as they are stored; no fields: the pipeline is not known.
Result<Schema> read_sqlite_schema(const SqliteDatabase& db, const std::string& pipeline);

}  // namespace leat
