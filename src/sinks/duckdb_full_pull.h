#pragma once

// Full pulls as they are kept in DuckDB (full_pull.h). Owned by the sink; its thread.

#include <memory>
#include <string>

#include "db/duckdb.h"
#include "sinks/full_pull.h"

namespace leat {

class DuckDbFullPull final : public FullPullBook {
 public:
  static Result<std::unique_ptr<DuckDbFullPull>> load(const DuckDb& db, const std::string& pipeline);

 private:
  DuckDbFullPull(const DuckDb& db, std::string pipeline) : db_(&db), pipeline_(std::move(pipeline)) {}
  Result<Seen> seen_since(int64_t part) override;
  Status keep() override;

  const DuckDb* db_;
  std::string pipeline_;
};

// How many rows of `pipeline` were deleted because a full pull did not have them.
Result<uint64_t> read_duckdb_vanished(const DuckDb& db, const std::string& pipeline);
// Within a transaction: all rows of the pipeline go.
Status forget_duckdb_full_pull(const DuckDb& db, const std::string& pipeline);

}  // namespace leat
