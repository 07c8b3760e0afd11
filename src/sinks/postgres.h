#pragma once

// A table in a PostgreSQL database; docs/formats/postgres.md says what is other than in SQLite,
// docs/formats/database.md has the invariants. Who calls what: flow/sink.h, flow/store.h.

#include <memory>
#include <string>

#include "base/status.h"
#include "db/postgres.h"
#include "flow/note.h"
#include "flow/sink.h"
#include "flow/store.h"
#include "os/clock.h"

namespace leat {

std::unique_ptr<Sink> make_postgres_sink(PostgresOpen options, os::Clock& clock, Note note);

// A null pointer: leat has written nothing there yet. bad_config: as PostgresDatabase::open; a newer layout.
Result<std::unique_ptr<Store>> open_postgres_store(const PostgresOpen& options);

}  // namespace leat
