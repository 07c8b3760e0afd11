#pragma once

// Full pulls as they are kept in SQLite (full_pull.h). Owned by the sink; its thread.

#include <cstdint>
#include <memory>
#include <string>

#include "db/sqlite.h"
#include "sinks/full_pull.h"

namespace leat {

class SqliteFullPull final : public FullPullBook {
 public:
  static Result<std::unique_ptr<SqliteFullPull>> load(const SqliteDatabase& db, const std::string& pipeline);

 private:
  SqliteFullPull(const SqliteDatabase& db, std::string pipeline) : db_(&db), pipeline_(std::move(pipeline)) {}
  Result<Seen> seen_since(int64_t part) override;
  Status keep() override;

  const SqliteDatabase* db_;
  std::string pipeline_;
};

// How many rows of `pipeline` were deleted because a full pull did not have them.
Result<uint64_t> read_sqlite_vanished(const SqliteDatabase& db, const std::string& pipeline);
// Within a transaction: all rows of the pipeline go.
Status forget_sqlite_full_pull(const SqliteDatabase& db, const std::string& pipeline);

}  // namespace leat
