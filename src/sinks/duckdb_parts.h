#pragma once

// The books of a pipeline in a DuckDB file. Owned by the sink; the sink's thread.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/duckdb.h"
#include "sinks/part_books.h"

namespace leat {

// Within a transaction: all parts of a pipeline go, with their positions, ranges, provisional records and rejects.
Status forget_duckdb_parts(const DuckDb& db, const std::string& pipeline);

class DuckDbParts final : public PartBooks {
 public:
  // fatal: positions and ranges do not fit each other.
  static Result<std::unique_ptr<DuckDbParts>> load(const DuckDb& db, const std::string& pipeline);

 private:
  DuckDbParts(const DuckDb& db, std::string pipeline) : PartBooks(db.where(), std::move(pipeline)), db_(&db) {}
  Status load_parts();
  Status load_ranges();
  Status load_provisional();
  [[nodiscard]] Result<std::vector<BookedRange>> ranges(const std::string& where, int64_t part, uint64_t at) const;

  Result<int64_t> insert_part(const std::string& name, const std::string& origin) override;
  Status update_origin(const BookedPart& part) override;
  Status update_position(const BookedPart& part, int64_t sequence) override;
  Status put_range(int64_t part, const BookedRange& range, uint64_t end) override;
  Status update_counts(int64_t part, const BookedRange& range) override;
  Status delete_range(int64_t part, uint64_t start) override;
  Result<std::optional<BookedRange>> range_before(int64_t part, uint64_t start) override;
  Result<std::optional<BookedRange>> range_at(int64_t part, uint64_t offset) override;
  Result<std::vector<BookedRange>> ranges_from(int64_t part, uint64_t from) override;
  Status put_provisional(const BookedPart& part, uint64_t end, uint64_t digest) override;
  Status delete_provisional(int64_t part) override;
  Result<std::vector<SpentPart>> spent_parts() override;
  Status put_taken(const SpentPart& part) override;
  Status delete_part(int64_t part) override;

  const DuckDb* db_;
};

}  // namespace leat
