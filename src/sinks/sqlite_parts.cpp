#include "sinks/sqlite_parts.h"

#include <fmt/format.h>

namespace leat {
namespace {

constexpr const char* kRange =
    "SELECT start, inserted, updated, ignored, filtered, rejected, digest, gap FROM _leat_ranges WHERE ";

// Six columns from `at` on.
Counts read_counts(const SqliteStatement& row, int at) {
  return {.inserted = row.number(at),
          .updated = row.number(at + 1),
          .ignored = row.number(at + 2),
          .filtered = row.number(at + 3),
          .rejected = row.number(at + 4),
          .digest = row.number(at + 5)};
}

BookedRange read_range(const SqliteStatement& row) {
  return {.start = row.number(0), .counts = read_counts(row, 1), .gap = row.integer(7) != 0};
}

}  // namespace

Status forget_sqlite_parts(const SqliteDatabase& db, const std::string& pipeline) {
  const std::string name = sql_text(pipeline);
  for (const char* table : {"_leat_positions", "_leat_ranges", "_leat_provisional", "_leat_taken"}) {
    LEAT_TRY(db.execute(
        fmt::format("DELETE FROM {} WHERE part IN (SELECT part FROM _leat_parts WHERE pipeline = {})", table, name)));
  }
  LEAT_TRY(db.execute("DELETE FROM _leat_rejects WHERE pipeline = " + name));
  return db.execute("DELETE FROM _leat_parts WHERE pipeline = " + name);
}

Result<std::unique_ptr<SqliteParts>> SqliteParts::load(const SqliteDatabase& db, const std::string& pipeline) {
  std::unique_ptr<SqliteParts> parts(new SqliteParts(db, pipeline));
  LEAT_TRY(parts->prepare());
  LEAT_TRY(parts->load_parts());
  LEAT_TRY(parts->load_ranges());
  LEAT_TRY(parts->load_provisional());
  return parts;
}

Status SqliteParts::prepare() {
  LEAT_ASSIGN(insert_part_, db_->prepare("INSERT INTO _leat_parts(pipeline, name, origin) VALUES(?, ?, ?)"));
  LEAT_ASSIGN(insert_position_, db_->prepare("INSERT INTO _leat_positions VALUES(?, 0, '', 0)"));
  LEAT_ASSIGN(update_position_,
              db_->prepare("UPDATE _leat_positions SET \"offset\" = ?, token = ?, sequence = ? WHERE part = ?"));
  LEAT_ASSIGN(update_origin_, db_->prepare("UPDATE _leat_parts SET origin = ? WHERE part = ?"));
  LEAT_ASSIGN(put_range_, db_->prepare("INSERT OR REPLACE INTO _leat_ranges VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  LEAT_ASSIGN(range_before_, db_->prepare(std::string(kRange) + "part = ? AND start < ? ORDER BY start DESC LIMIT 1"));
  LEAT_ASSIGN(delete_range_, db_->prepare("DELETE FROM _leat_ranges WHERE part = ? AND start = ?"));
  LEAT_ASSIGN(put_provisional_,
              db_->prepare("INSERT OR REPLACE INTO _leat_provisional VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  LEAT_ASSIGN(delete_provisional_, db_->prepare("DELETE FROM _leat_provisional WHERE part = ?"));
  return {};
}

Status SqliteParts::load_parts() {
  LEAT_ASSIGN(SqliteStatement select,
              db_->prepare("SELECT part, name, origin, \"offset\", token FROM _leat_parts LEFT JOIN _leat_positions "
                           "USING(part) WHERE pipeline = ? ORDER BY part"));
  select.with(std::string_view(pipeline()));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return {};
    auto part = std::make_unique<BookedPart>();
    part->id = select.integer(0);
    part->name = select.string(1);
    part->origin = select.string(2);
    part->end = select.number(3);
    part->token = select.string(4);
    take(std::move(part));
  }
}

Status SqliteParts::load_ranges() {
  // SQLite takes the other columns from the row that has the maximum.
  LEAT_ASSIGN(
      SqliteStatement select,
      db_->prepare("SELECT max(start), inserted, updated, ignored, filtered, rejected, digest, gap, part, \"end\" "
                   "FROM _leat_ranges WHERE part IN (SELECT part FROM _leat_parts WHERE pipeline = ?) "
                   "GROUP BY part"));
  select.with(std::string_view(pipeline()));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return check_loaded();
    take_last_range(select.integer(8), read_range(select), select.number(9));
  }
}

Status SqliteParts::load_provisional() {
  LEAT_ASSIGN(SqliteStatement select, db_->prepare("SELECT part, start, inserted, rejected, first_row, first_reject, "
                                                   "content, updated FROM _leat_provisional"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return {};
    BookedPart* part = with_id(select.integer(0));
    if (part == nullptr) continue;
    part->provisional = BookedProvisional{.start = select.number(1),
                                          .inserted = select.number(2),
                                          .updated = select.number(7),
                                          .rejected = select.number(3),
                                          .first_row = select.integer(4),
                                          .first_reject = select.integer(5),
                                          .content = select.number(6),
                                          .stored = true};
  }
}

Result<int64_t> SqliteParts::insert_part(const std::string& name, const std::string& origin) {
  LEAT_TRY(insert_part_.with(std::string_view(pipeline()), std::string_view(name), std::string_view(origin)).run());
  const int64_t id = db_->last_row();
  LEAT_TRY(insert_position_.with(id).run());
  return id;
}

Status SqliteParts::update_origin(const BookedPart& part) {
  return update_origin_.with(std::string_view(part.origin), part.id).run();
}

Status SqliteParts::update_position(const BookedPart& part, int64_t sequence) {
  return update_position_.with(part.end, std::string_view(part.token), sequence, part.id).run();
}

Status SqliteParts::put_range(int64_t part, const BookedRange& range, uint64_t end) {
  const Counts& counts = range.counts;
  return put_range_
      .with(part, range.start, end, counts.inserted, counts.updated, counts.ignored, counts.filtered, counts.rejected,
            counts.digest, static_cast<int64_t>(range.gap ? 1 : 0))
      .run();
}

Status SqliteParts::update_counts(int64_t part, const BookedRange& range) {
  LEAT_ASSIGN(
      SqliteStatement update,
      db_->prepare("UPDATE _leat_ranges SET inserted = ?, updated = ?, ignored = ?, filtered = ?, rejected = ?, "
                   "digest = ? WHERE part = ? AND start = ?"));
  const Counts& counts = range.counts;
  return update
      .with(counts.inserted, counts.updated, counts.ignored, counts.filtered, counts.rejected, counts.digest, part,
            range.start)
      .run();
}

Status SqliteParts::delete_range(int64_t part, uint64_t start) {
  return delete_range_.with(part, start).run();
}

Result<std::optional<BookedRange>> SqliteParts::find_range(SqliteStatement& select, int64_t part,
                                                           uint64_t offset) const {
  select.with(part, offset);
  LEAT_ASSIGN(const bool found, select.step());
  std::optional<BookedRange> range;
  if (found) range = read_range(select);
  select.reset();
  return range;
}

Result<std::optional<BookedRange>> SqliteParts::range_before(int64_t part, uint64_t start) {
  return find_range(range_before_, part, start);
}

Result<std::optional<BookedRange>> SqliteParts::range_at(int64_t part, uint64_t offset) {
  LEAT_ASSIGN(SqliteStatement select, db_->prepare(std::string(kRange) + "part = ?1 AND start <= ?2 AND \"end\" > ?2"));
  return find_range(select, part, offset);
}

Result<std::vector<BookedRange>> SqliteParts::ranges_from(int64_t part, uint64_t from) {
  LEAT_ASSIGN(SqliteStatement select, db_->prepare(std::string(kRange) + "part = ? AND start >= ? ORDER BY start"));
  select.with(part, from);
  std::vector<BookedRange> ranges;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return ranges;
    ranges.push_back(read_range(select));
  }
}

Status SqliteParts::put_provisional(const BookedPart& part, uint64_t end, uint64_t digest) {
  const BookedProvisional& record = *part.provisional;
  return put_provisional_
      .with(part.id, record.start, end, record.inserted, record.rejected, digest, record.first_row, record.first_reject,
            record.content, record.updated)
      .run();
}

Status SqliteParts::delete_provisional(int64_t part) {
  return delete_provisional_.with(part).run();
}

Result<std::vector<SpentPart>> SqliteParts::spent_parts() {
  std::vector<SpentPart> parts;
  LEAT_ASSIGN(const bool there, db_->has_table("_leat_full_pulls"));
  if (!there) return parts;
  LEAT_ASSIGN(SqliteStatement select, db_->prepare(kSpentParts));
  select.with(std::string_view(pipeline()));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return parts;
    parts.push_back({select.integer(0), select.integer(1), select.number(2)});
  }
}

Status SqliteParts::put_taken(const SpentPart& part) {
  LEAT_ASSIGN(SqliteStatement put, db_->prepare("INSERT OR REPLACE INTO _leat_taken VALUES(?, ?, ?)"));
  return put.with(part.id, part.taken, part.digest).run();
}

Status SqliteParts::delete_part(int64_t part) {
  for (const char* table : {"_leat_positions", "_leat_ranges", "_leat_taken", "_leat_parts"}) {
    LEAT_TRY(db_->execute(fmt::format("DELETE FROM {} WHERE part = {}", table, part)));
  }
  return {};
}

}  // namespace leat
