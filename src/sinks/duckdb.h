#pragma once

// A table in a DuckDB file; docs/sinks/duckdb.md says what is other than in SQLite, docs/formats/database.md has the
// invariants. Who calls what: flow/sink.h, flow/store.h.

#include <memory>
#include <string>

#include "base/status.h"
#include "db/duckdb.h"
#include "flow/note.h"
#include "flow/sink.h"
#include "flow/store.h"
#include "os/clock.h"

namespace leat {

std::unique_ptr<Sink> make_duckdb_sink(DuckDbOpen options, os::Clock& clock, Note note);

// bad_config: no such file, not a database, not one of ours, a newer layout. retry: another process has it open.
Result<std::unique_ptr<Store>> open_duckdb_store(const std::string& path);

}  // namespace leat
