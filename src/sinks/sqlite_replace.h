#pragma once

// The next content of a table that is replaced as a whole (docs/formats/database.md, "replace"). Used by the sink; its
// thread.

#include <string>
#include <string_view>

#include "db/sqlite.h"
#include "flow/note.h"
#include "flow/sink.h"

namespace leat {

// Within a transaction. What an unfinished pull has left goes.
Status drop_next(const SqliteDatabase& db, const SinkPlan& plan);

// Within a transaction: what was pulled takes the place of the table and of its parts and rejects; the aggregates are
// made again.
Status swap_in_next(const SqliteDatabase& db, const SinkPlan& plan, const Note& note);

}  // namespace leat
