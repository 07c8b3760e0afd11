#pragma once

// Reading a DuckDB file that this process opens, or has open. Who calls what: flow/store.h.

#include <memory>
#include <stop_token>
#include <string>

#include "base/status.h"
#include "flow/store.h"

namespace leat {

// As open_duckdb_store(). stop: what it reads is broken off (retry).
Result<std::unique_ptr<Store>> open_duckdb_file_store(const std::string& path, std::stop_token stop = {});

}  // namespace leat
