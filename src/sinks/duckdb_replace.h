#pragma once

// The next content of a table that is replaced as a whole (docs/formats/database.md, "replace"). Used by the sink; its
// thread.

#include "db/duckdb.h"
#include "flow/note.h"
#include "flow/sink.h"

namespace leat {

// Within a transaction. What an unfinished pull has left goes.
Status drop_next(const DuckDb& db, const SinkPlan& plan);

// Within a transaction: what was pulled takes the place of the table and of its parts and rejects; the aggregates are
// made again. fatal: something that a user has put on the table, a view or an index, is in the way.
Status swap_in_next(const DuckDb& db, const SinkPlan& plan, const Note& note);

}  // namespace leat
