#pragma once

// The books of a pipeline in a SQLite database. Owned by the sink; the sink's thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/sqlite.h"
#include "sinks/part_books.h"

namespace leat {

// Within a transaction: all parts of a pipeline go, with their positions, ranges, provisional records and rejects.
Status forget_sqlite_parts(const SqliteDatabase& db, const std::string& pipeline);

class SqliteParts final : public PartBooks {
 public:
  // fatal: positions and ranges do not fit each other.
  static Result<std::unique_ptr<SqliteParts>> load(const SqliteDatabase& db, const std::string& pipeline);

 private:
  SqliteParts(const SqliteDatabase& db, std::string pipeline) : PartBooks(db.where(), std::move(pipeline)), db_(&db) {}
  Status prepare();
  Status load_parts();
  Status load_ranges();
  Status load_provisional();
  Result<std::optional<BookedRange>> find_range(SqliteStatement& select, int64_t part, uint64_t offset) const;

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

  const SqliteDatabase* db_;
  SqliteStatement insert_part_;
  SqliteStatement insert_position_;
  SqliteStatement update_position_;
  SqliteStatement update_origin_;
  SqliteStatement put_range_;
  SqliteStatement range_before_;
  SqliteStatement delete_range_;
  SqliteStatement put_provisional_;
  SqliteStatement delete_provisional_;
};

}  // namespace leat
