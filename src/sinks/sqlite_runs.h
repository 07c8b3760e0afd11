#pragma once

// The last run of each pipeline with a schedule (docs/formats/database.md, "Runs"). One thread.

#include <optional>
#include <string>

#include "db/sqlite.h"
#include "flow/run.h"

namespace leat {

// Nothing: none has ended.
Result<std::optional<PipelineRun>> read_sqlite_run(const SqliteDatabase& db, const std::string& pipeline);
Status keep_sqlite_run(const SqliteDatabase& db, const std::string& pipeline, const PipelineRun& run);

}  // namespace leat
