#pragma once

// The books of a pipeline: parts, positions, ranges and provisional records (docs/formats/database.md). What is in
// memory is what the transaction that is open holds; after a failure all of it is loaded anew. How it is stored is the
// business of the sink's own books, which these are the common part of. Owned by the sink; the sink's thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "data/position.h"
#include "data/record_batch.h"
#include "data/reject.h"

namespace leat {

struct BookedProvisional {
  uint64_t start = 0;
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t rejected = 0;
  int64_t first_row = 0;     // its row
  int64_t first_reject = 0;  // likewise
  uint64_t content = 0;      // content_of() its row or reject
  bool stored = false;       // in _leat_provisional
};

struct BookedPart {
  int64_t id = 0;
  std::string name;
  std::string origin;
  uint64_t end = 0;  // of the last range, and the position
  std::string token;
  bool has_range = false;
  uint64_t last_start = 0;  // of the last range
  bool last_gap = false;
  Counts last_counts;
  std::optional<BookedProvisional> provisional;
};

// A range as it is stored.
struct BookedRange {
  uint64_t start = 0;
  Counts counts;
  bool gap = false;
};

// A part of which neither a row nor a reject is left.
struct SpentPart {
  int64_t id = 0;
  int64_t taken = 0;    // rows that were taken over by later records, or deleted after a full pull
  uint64_t digest = 0;  // of them
};
// In this order their columns, of the parts of pipeline $1 that are older than its last full pull, when that is
// complete.
inline constexpr const char* kSpentParts =
    "SELECT p.part, coalesce(t.rows, 0), coalesce(t.digest, 0) FROM _leat_parts p LEFT JOIN _leat_taken t USING(part) "
    "WHERE p.pipeline = $1 AND p.part < (SELECT part FROM _leat_full_pulls WHERE pipeline = $1 AND first_revision IS "
    "NULL) AND (SELECT coalesce(sum(inserted + updated), 0) FROM _leat_ranges r WHERE r.part = p.part) = "
    "coalesce(t.rows, 0) AND NOT EXISTS (SELECT 1 FROM _leat_ranges r WHERE r.part = p.part AND (rejected > 0 OR "
    "gap)) AND NOT EXISTS (SELECT 1 FROM _leat_provisional v WHERE v.part = p.part) ORDER BY p.part";

// What a part has from `from` to `end` came in vain: the records come again behind it.
struct VoidRange {
  BookedPart* part = nullptr;
  uint64_t from = 0;
  uint64_t end = 0;
  Counts counts;  // as they are in the books
};

// With WriteMode::replace: under which a pull keeps its parts and rejects, and the table that it fills.
std::string next_pipeline(const std::string& pipeline);
std::string next_table(const std::string& table);
// `pipeline` is a next_pipeline().
bool is_next_pipeline(std::string_view pipeline);

// A hash of the cells of a row, or of a reject: whether a provisional record is still the same.
uint64_t content_of(const RecordBatch& batch, size_t row);
uint64_t content_of(const Reject& reject);

class PartBooks {
 public:
  // `where`: the database, as it is shown.
  PartBooks(std::string where, std::string pipeline) : where_(std::move(where)), pipeline_(std::move(pipeline)) {}
  PartBooks(const PartBooks&) = delete;
  PartBooks& operator=(const PartBooks&) = delete;
  virtual ~PartBooks() = default;

  [[nodiscard]] Positions positions() const;
  // In the order of their ids.
  [[nodiscard]] const std::vector<std::unique_ptr<BookedPart>>& all() const { return parts_; }

  // The part of that name; made if it is new. Stays where it is until the sink is opened again.
  Result<BookedPart*> get(const std::string& name, const std::string& origin);

  // Adds ranges that begin where their part stands, provisional ones as provisional records; what they say is void is
  // still counted. bug: they do not; what is void does not begin where a fresh range began.
  Result<std::vector<VoidRange>> add(const Ranges& ranges);
  // Moves positions to where the ranges have brought them. bug: elsewhere.
  Status move(const Positions& moved, int64_t sequence);
  // Adds `change` (modulo 2^64) to the range of `part` that `offset` is in. bug: there is none.
  Status correct(BookedPart& part, uint64_t offset, const Counts& change);
  // Null: it is none of this pipeline.
  BookedPart* with_id(int64_t id);
  // Before get(): of the parts that spent_parts() finds one is left, which has the books of all.
  Status fold_spent(int64_t sequence);
  // Takes the provisional record of `part` off the books, if it has one; its row or reject is the caller's business.
  Status forget_provisional(BookedPart& part);

 protected:
  // What was loaded: parts in the order of their ids, then the last range of each, which ends at `end`.
  void take(std::unique_ptr<BookedPart> part);
  void take_last_range(int64_t part, const BookedRange& range, uint64_t end);
  // fatal: positions and ranges do not fit each other.
  [[nodiscard]] Status check_loaded() const;

  // Each is one statement. The number of a new part, at position 0.
  virtual Result<int64_t> insert_part(const std::string& name, const std::string& origin) = 0;
  virtual Status update_origin(const BookedPart& part) = 0;
  virtual Status update_position(const BookedPart& part, int64_t sequence) = 0;
  virtual Status put_range(int64_t part, const BookedRange& range, uint64_t end) = 0;
  virtual Status update_counts(int64_t part, const BookedRange& range) = 0;
  virtual Status delete_range(int64_t part, uint64_t start) = 0;
  // The last range that begins before `start`; that holds `offset`; all from `from` on, in their order.
  virtual Result<std::optional<BookedRange>> range_before(int64_t part, uint64_t start) = 0;
  virtual Result<std::optional<BookedRange>> range_at(int64_t part, uint64_t offset) = 0;
  virtual Result<std::vector<BookedRange>> ranges_from(int64_t part, uint64_t from) = 0;
  virtual Status put_provisional(const BookedPart& part, uint64_t end, uint64_t digest) = 0;
  virtual Status delete_provisional(int64_t part) = 0;
  virtual Result<std::vector<SpentPart>> spent_parts() = 0;
  virtual Status put_taken(const SpentPart& part) = 0;
  virtual Status delete_part(int64_t part) = 0;  // with its position, ranges and taken rows

  [[nodiscard]] const std::string& pipeline() const { return pipeline_; }

 private:
  Status store_range(const BookedPart& part);
  Status begin_fresh(BookedPart& part);
  Result<VoidRange> find_void(BookedPart& part, uint64_t from);
  Status store_provisional(BookedPart& part, const Range& range);
  [[nodiscard]] Status misplaced(const BookedPart& part, uint64_t offset, const char* what) const;

  std::string where_;
  std::string pipeline_;
  std::vector<std::unique_ptr<BookedPart>> parts_;  // in the order of their ids
  std::unordered_map<std::string_view, BookedPart*> by_name_;
};

}  // namespace leat
