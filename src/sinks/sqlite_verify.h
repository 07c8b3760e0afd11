#pragma once

// The proof that a database holds what was committed to it (docs/formats/database.md, "What verify proves").
// Used by the store; one thread.

#include "db/sqlite.h"
#include "flow/sink.h"
#include "flow/store.h"

namespace leat {

// Within a read transaction. What does not fit is a problem in the report; a Status says that it could not be found
// out.
Result<VerifyReport> verify_sqlite(const SqliteDatabase& db, const StoreProgress& progress);
// The same of books whose rows are elsewhere: all but those.
Result<VerifyReport> verify_sqlite_books(const SqliteDatabase& db);
// The same of the books of files, in which a row stands for `records` of them (docs/formats/files-sink.md §3).
Result<VerifyReport> verify_sqlite_runs(const SqliteDatabase& db, const StoreProgress& progress);

// Adds to `problems` where the aggregates of a pipeline differ from a recount of its rows.
Status verify_sqlite_aggregates(const SqliteDatabase& db, const std::string& pipeline, const std::string& table,
                                WriteMode mode, const std::function<void(uint64_t)>& progress,
                                std::vector<std::string>& problems);

// Adds to `problems` where the unique indexes of a table that is written with ignore or merge do not have each row just
// once. Reads the table and its indexes once.
Status verify_sqlite_keys(const SqliteDatabase& db, const std::string& table, WriteMode mode,
                          std::vector<std::string>& problems);

}  // namespace leat
