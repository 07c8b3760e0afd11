#pragma once

// The proof, of PostgreSQL (sinks/verify_books.h). Used by the store; one thread.

#include "db/postgres.h"
#include "flow/store.h"

namespace leat {

// Within a transaction that sees one snapshot, in which temporary tables may be made.
Result<VerifyReport> verify_postgres(const PostgresDatabase& db, const StoreProgress& progress);

}  // namespace leat
