#pragma once

// What a source has not brought again in a full pull goes (docs/formats/database.md, "Full pulls"). Owned by the sink;
// its thread.

#include <cstdint>
#include <optional>
#include <string>

#include "data/position.h"
#include "db/postgres.h"
#include "flow/note.h"
#include "sinks/postgres_batch_writer.h"

namespace leat {

class PostgresFullPull {
 public:
  static Result<PostgresFullPull> load(const PostgresDatabase& db, const std::string& pipeline);

  // Within a transaction that began when the next revision was `next_revision`: what `range`, which is in the books,
  // says of it.
  Status take(const Range& range, const BookedPart& part, int64_t next_revision, PostgresBatchWriter& writer,
              const Note& note);

 private:
  PostgresFullPull(const PostgresDatabase& db, std::string pipeline) : db_(&db), pipeline_(std::move(pipeline)) {}
  Status end(PostgresBatchWriter& writer, const Note& note);
  Status keep();

  const PostgresDatabase* db_;
  std::string pipeline_;
  int64_t part_ = 0;                       // the first one of the pull
  std::optional<int64_t> first_revision_;  // none: it is complete
  uint64_t vanished_ = 0;                  // rows that were deleted, ever
};

}  // namespace leat
