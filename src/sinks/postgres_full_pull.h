#pragma once

// Full pulls as they are kept in PostgreSQL (full_pull.h). Owned by the sink; its thread.

#include <cstdint>
#include <memory>
#include <string>

#include "db/postgres.h"
#include "sinks/full_pull.h"

namespace leat {

class PostgresFullPull final : public FullPullBook {
 public:
  static Result<std::unique_ptr<PostgresFullPull>> load(const PostgresDatabase& db, const std::string& pipeline);

 private:
  PostgresFullPull(const PostgresDatabase& db, std::string pipeline) : db_(&db), pipeline_(std::move(pipeline)) {}
  Result<Seen> seen_since(int64_t part) override;
  Status keep() override;

  const PostgresDatabase* db_;
  std::string pipeline_;
};

}  // namespace leat
