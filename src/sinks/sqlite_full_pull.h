#pragma once

// What a source has not brought again in a full pull goes (docs/formats/database.md, "Full pulls"). Owned by the sink;
// its thread.

#include <cstdint>
#include <optional>
#include <string>

#include "data/position.h"
#include "db/sqlite.h"
#include "flow/note.h"
#include "sinks/sqlite_batch_writer.h"

namespace leat {

class SqliteFullPull {
 public:
  static Result<SqliteFullPull> load(const SqliteDatabase& db, const std::string& pipeline);

  // Within a transaction that began when the next revision was `next_revision`: what `range`, which is in the books,
  // says of it.
  Status take(const Range& range, const BookedPart& part, int64_t next_revision, SqliteBatchWriter& writer,
              const Note& note);

 private:
  SqliteFullPull(const SqliteDatabase& db, std::string pipeline) : db_(&db), pipeline_(std::move(pipeline)) {}
  Status end(SqliteBatchWriter& writer, const Note& note);
  Status keep();

  const SqliteDatabase* db_;
  std::string pipeline_;
  int64_t part_ = 0;                       // the first one of the pull
  std::optional<int64_t> first_revision_;  // none: it is complete
  uint64_t vanished_ = 0;                  // rows that were deleted, ever
};

// How many rows of `pipeline` were deleted because a full pull did not have them.
Result<uint64_t> read_sqlite_vanished(const SqliteDatabase& db, const std::string& pipeline);
// Within a transaction: all rows of the pipeline go.
Status forget_sqlite_full_pull(const SqliteDatabase& db, const std::string& pipeline);

}  // namespace leat
