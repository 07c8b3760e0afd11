#pragma once

// Sinks with a file of their own here. Pure; any thread.

#include <array>

#include "catalog/catalog.h"
#include "sinks/data_file.h"

namespace leat {

inline constexpr std::array<WriteMode, 4> kAllModes{WriteMode::append, WriteMode::ignore, WriteMode::merge,
                                                    WriteMode::replace};
inline constexpr std::array<WriteMode, 1> kAppendOnly{WriteMode::append};

SinkKind bigquery_kind();
SinkKind duckdb_kind();
SinkKind files_kind();
SinkKind postgres_kind();

// What leat has written to a DuckDB file. bad_config: this build has no DuckDB.
Result<std::unique_ptr<Store>> open_duckdb_file(const std::string& path);
// Null: this build has no DuckDB.
const FileFormat* parquet_files();
// Empty: it has; else that, and how to get one that does.
std::string_view why_no_duckdb();

}  // namespace leat
