#pragma once

// The next content of a table that is replaced as a whole (docs/formats/database.md, "replace"). Used by the sink; its
// thread.

#include <string>
#include <string_view>

#include "db/sqlite.h"
#include "flow/note.h"
#include "flow/sink.h"

namespace leat {

// Under which a pull keeps its parts and rejects, and the table that it fills.
std::string next_pipeline(const std::string& pipeline);
std::string next_table(const std::string& table);
// `pipeline` is a next_pipeline().
bool is_next_pipeline(std::string_view pipeline);

// Within a transaction. What an unfinished pull has left goes.
Status drop_next(const SqliteDatabase& db, const SinkPlan& plan);

// Within a transaction: what was pulled takes the place of the table and of its parts and rejects; the aggregates are
// made again.
Status swap_in_next(const SqliteDatabase& db, const SinkPlan& plan, const Note& note);

}  // namespace leat
