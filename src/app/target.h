#pragma once

// What `leat status`, `leat verify` and `leat rebuild` look at: a database, or all databases of a pipeline file. One
// thread.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/pipeline_file.h"
#include "base/status.h"
#include "flow/store.h"

namespace leat::app {

struct Database {
  std::string name;                    // the database, as people call it
  std::unique_ptr<Store> store;        // null: there is no such file yet
  std::vector<std::string> pipelines;  // of the file that writes here; empty for a database: all that are in it
  // Opens it again, for a view that outlives its connection. A null pointer: there is no such file yet.
  std::function<Result<std::unique_ptr<Store>>()> open;
  std::string_view rows_read_by{};  // SinkKind::rows_read_by
};

// The one that a pipeline writes, not opened yet.
Database database_of(const PipelineDeclared& pipeline);

// A pipeline file when its name ends in .toml; else a database: a file, a folder of files, an address of PostgreSQL.
// Pipelines whose sink keeps nothing are left out. bad_config: nothing is left; neither a
// database nor a pipeline file; that file's errors; a database that cannot be used.
Result<std::vector<Database>> open_target(const std::string& target);

}  // namespace leat::app
