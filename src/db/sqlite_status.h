#pragma once

// What a result code of SQLite means for the engine and for a person. Pure functions; any thread.

#include <string>

#include "base/status.h"

struct sqlite3;

namespace leat {

enum class SqlitePhase : unsigned char { opening, working };

// `code` (not SQLITE_OK, _ROW or _DONE) as a Status; `where` is the database as it is shown; `db` may be null.
//   retry       full, busy, I/O failed, out of memory, gone from its path (while working)
//   bad_data    a constraint, a value too big or of a wrong type: these rows are refused
//   bad_config  not writable, not a database, cannot be opened (while opening)
//   fatal       damaged, or changed by someone else under our feet
//   bug         used wrongly
Status sqlite_status(int code, sqlite3* db, const std::string& where, SqlitePhase phase);

}  // namespace leat
