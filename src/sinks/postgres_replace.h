#pragma once

// The next content of a table that is replaced as a whole (docs/formats/database.md, "replace"). Used by the sink; its
// thread.

#include "db/postgres.h"
#include "flow/note.h"
#include "flow/sink.h"

namespace leat {

// Within a transaction: all parts of a pipeline go, with their positions, ranges, provisional records and rejects.
Status forget_postgres_parts(const PostgresDatabase& db, const std::string& pipeline);

// Within a transaction. What an unfinished pull has left goes.
Status drop_postgres_next(const PostgresDatabase& db, const SinkPlan& plan);

// Within a transaction: what was pulled takes the place of the table's rows and of its parts and rejects; the
// aggregates are made again. The table itself stays, with all that others have put on it.
Status swap_in_postgres_next(const PostgresDatabase& db, const SinkPlan& plan, const Note& note);

}  // namespace leat
