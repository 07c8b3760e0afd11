#pragma once

// Parts, positions, ranges and provisional records of a pipeline (docs/formats/database.md). What is in memory is what
// the transaction that is open holds; after a failure all of it is loaded anew. Owned by the sink; the sink's thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/position.h"
#include "db/sqlite.h"

namespace leat {

struct SqliteProvisional {
  uint64_t start = 0;
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t rejected = 0;
  int64_t first_row = 0;     // its row
  int64_t first_reject = 0;  // likewise
  uint64_t content = 0;      // hash of its cells, or of the reject
  bool stored = false;       // in _leat_provisional
};

struct SqlitePart {
  int64_t id = 0;
  std::string name;
  std::string origin;
  uint64_t end = 0;  // of the last range, and the position
  std::string token;
  bool has_range = false;
  uint64_t last_start = 0;  // of the last range
  bool last_gap = false;
  Counts last_counts;
  std::optional<SqliteProvisional> provisional;
};

// What a part has from `from` to `end` came in vain: the records come again behind it.
struct SqliteVoid {
  SqlitePart* part = nullptr;
  uint64_t from = 0;
  uint64_t end = 0;
  Counts counts;  // as they are in the books
};

// Within a transaction: all parts of a pipeline go, with their positions, ranges, provisional records and rejects.
Status forget_sqlite_parts(const SqliteDatabase& db, const std::string& pipeline);

class SqliteParts {
 public:
  // fatal: positions and ranges do not fit each other.
  static Result<std::unique_ptr<SqliteParts>> load(const SqliteDatabase& db, const std::string& pipeline);

  [[nodiscard]] Positions positions() const;
  // In the order of their ids.
  [[nodiscard]] const std::vector<std::unique_ptr<SqlitePart>>& all() const { return parts_; }

  // The part of that name; made if it is new. Stays where it is until the sink is opened again.
  Result<SqlitePart*> get(const std::string& name, const std::string& origin);

  // Adds ranges that begin where their part stands, provisional ones as provisional records; what they say is void is
  // still counted. bug: they do not; what is void does not begin where a fresh range began.
  Result<std::vector<SqliteVoid>> add(const Ranges& ranges);
  // Moves positions to where the ranges have brought them. bug: elsewhere.
  Status move(const Positions& moved, int64_t sequence);
  // Adds `change` (modulo 2^64) to the range of `part` that `offset` is in. bug: there is none.
  Status correct(SqlitePart& part, uint64_t offset, const Counts& change);
  // Null: it is none of this pipeline.
  SqlitePart* with_id(int64_t id);
  // Takes the provisional record of `part` off the books, if it has one; its row or reject is the caller's business.
  Status forget_provisional(SqlitePart& part);

 private:
  SqliteParts(const SqliteDatabase& db, std::string pipeline) : db_(&db), pipeline_(std::move(pipeline)) {}
  Status prepare();
  Status load_parts();
  Status load_ranges();
  Status load_provisional();
  Status store_range(const SqlitePart& part);
  Status begin_fresh(SqlitePart& part);
  Result<SqliteVoid> find_void(SqlitePart& part, uint64_t from) const;
  Status store_provisional(SqlitePart& part, const Range& range);
  [[nodiscard]] Status misplaced(const SqlitePart& part, uint64_t offset, const char* what) const;

  const SqliteDatabase* db_;
  std::string pipeline_;
  std::vector<std::unique_ptr<SqlitePart>> parts_;  // in the order of their ids
  std::unordered_map<std::string_view, SqlitePart*> by_name_;
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
