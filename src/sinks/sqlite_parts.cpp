#include "sinks/sqlite_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace leat {
namespace {

// Six columns from `at` on.
Counts read_counts(const SqliteStatement& row, int at) {
  return {.inserted = row.number(at),
          .updated = row.number(at + 1),
          .ignored = row.number(at + 2),
          .filtered = row.number(at + 3),
          .rejected = row.number(at + 4),
          .digest = row.number(at + 5)};
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
  LEAT_ASSIGN(
      range_before_,
      db_->prepare("SELECT start, inserted, updated, ignored, filtered, rejected, digest, gap FROM _leat_ranges "
                   "WHERE part = ? AND start < ? ORDER BY start DESC LIMIT 1"));
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
  select.with(std::string_view(pipeline_));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return {};
    auto part = std::make_unique<SqlitePart>();
    part->id = select.integer(0);
    part->name = select.string(1);
    part->origin = select.string(2);
    part->end = select.number(3);
    part->token = select.string(4);
    by_name_[part->name] = part.get();
    parts_.push_back(std::move(part));
  }
}

Status SqliteParts::load_ranges() {
  // SQLite takes the other columns from the row that has the maximum.
  LEAT_ASSIGN(
      SqliteStatement select,
      db_->prepare("SELECT part, max(start), \"end\", inserted, updated, ignored, filtered, rejected, digest, gap "
                   "FROM _leat_ranges WHERE part IN (SELECT part FROM _leat_parts WHERE pipeline = ?) "
                   "GROUP BY part"));
  select.with(std::string_view(pipeline_));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) break;
    SqlitePart* part = with_id(select.integer(0));
    if (part == nullptr) continue;
    part->has_range = true;
    part->last_start = select.number(1);
    if (part->end != select.number(2)) part->has_range = false;
    part->last_counts = read_counts(select, 3);
    part->last_gap = select.integer(9) != 0;
  }
  for (const auto& part : parts_) {
    if (part->has_range || part->end == 0) continue;
    return Status::fatal(
        fmt::format("{}: part {} {} ({}): its position {} is not where its ranges end; the tables were changed, see "
                    "`leat verify`",
                    db_->where(), part->id, quoted(part->name), visible(part->origin), part->end));
  }
  return {};
}

Status SqliteParts::load_provisional() {
  LEAT_ASSIGN(SqliteStatement select, db_->prepare("SELECT part, start, inserted, rejected, first_row, first_reject, "
                                                   "content, updated FROM _leat_provisional"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return {};
    SqlitePart* part = with_id(select.integer(0));
    if (part == nullptr) continue;
    part->provisional = SqliteProvisional{.start = select.number(1),
                                          .inserted = select.number(2),
                                          .updated = select.number(7),
                                          .rejected = select.number(3),
                                          .first_row = select.integer(4),
                                          .first_reject = select.integer(5),
                                          .content = select.number(6),
                                          .stored = true};
  }
}

SqlitePart* SqliteParts::with_id(int64_t id) {
  const auto at = std::lower_bound(parts_.begin(), parts_.end(), id,
                                   [](const auto& part, int64_t wanted) { return part->id < wanted; });
  return at != parts_.end() && (*at)->id == id ? at->get() : nullptr;
}

Positions SqliteParts::positions() const {
  Positions positions;
  positions.reserve(parts_.size());
  for (const auto& part : parts_) positions.push_back({part->name, part->origin, part->end, part->token});
  return positions;
}

Result<SqlitePart*> SqliteParts::get(const std::string& name, const std::string& origin) {
  const auto known = by_name_.find(name);
  if (known != by_name_.end()) return known->second;
  LEAT_TRY(insert_part_.with(std::string_view(pipeline_), std::string_view(name), std::string_view(origin)).run());
  auto part = std::make_unique<SqlitePart>();
  part->id = db_->last_row();
  part->name = name;
  part->origin = origin;
  LEAT_TRY(insert_position_.with(part->id).run());
  SqlitePart* made = part.get();
  by_name_[made->name] = made;
  parts_.push_back(std::move(part));
  return made;
}

Status SqliteParts::misplaced(const SqlitePart& part, uint64_t offset, const char* what) const {
  return Status::bug(fmt::format("{}: part {} {} ({}) stands at {}, but {} {}", db_->where(), part.id,
                                 quoted(part.name), visible(part.origin), part.end, what, offset));
}

Result<std::vector<SqliteVoid>> SqliteParts::add(const Ranges& ranges) {
  std::vector<SqliteVoid> voids;
  std::vector<SqlitePart*> changed;
  for (const Range& range : ranges) {
    if (range.provisional) continue;
    LEAT_ASSIGN(SqlitePart* const part, get(range.part, ""));
    if (range.start != part->end) return misplaced(*part, range.start, "a range begins at");
    if (range.end < range.start) return misplaced(*part, range.end, "a range ends at");
    if (range.fresh && part->has_range) LEAT_TRY(store_range(*part));
    if (range.void_from && *range.void_from != part->end) {
      LEAT_ASSIGN(const SqliteVoid found, find_void(*part, *range.void_from));
      voids.push_back(found);
    }
    if (range.fresh) LEAT_TRY(begin_fresh(*part));
    if (range.end == range.start) {
      if (range.counts.records() == 0) continue;
      return misplaced(*part, range.end, "a range with records ends at");
    }
    if (part->has_range && part->last_gap == range.gap) {
      part->last_counts.add(range.counts);
    } else {
      if (part->has_range) LEAT_TRY(store_range(*part));
      part->has_range = true;
      part->last_start = range.start;
      part->last_gap = range.gap;
      part->last_counts = range.counts;
    }
    part->end = range.end;
    if (changed.empty() || changed.back() != part) changed.push_back(part);
  }
  std::sort(changed.begin(), changed.end(), [](const SqlitePart* a, const SqlitePart* b) { return a->id < b->id; });
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  for (const SqlitePart* part : changed) {
    if (part->has_range) LEAT_TRY(store_range(*part));
  }
  for (const Range& range : ranges) {
    if (!range.provisional) continue;
    LEAT_ASSIGN(SqlitePart* const part, get(range.part, ""));
    // Behind the position it is; before it, a range of this commit has taken its place.
    if (range.start > part->end) return misplaced(*part, range.start, "a provisional range begins at");
    if (range.start == part->end) LEAT_TRY(store_provisional(*part, range));
  }
  return voids;
}

// What comes now may be void later: the range that was kept apart so far, which is stored, joins the one before it.
Status SqliteParts::begin_fresh(SqlitePart& part) {
  if (!part.has_range) return {};
  part.has_range = false;
  range_before_.with(part.id, part.last_start);
  LEAT_ASSIGN(const bool found, range_before_.step());
  const bool joins = found && (range_before_.integer(7) != 0) == part.last_gap;
  const uint64_t start = found ? range_before_.number(0) : 0;
  Counts counts = found ? read_counts(range_before_, 1) : Counts();
  range_before_.reset();
  if (!joins) return {};
  LEAT_TRY(delete_range_.with(part.id, part.last_start).run());
  counts.add(part.last_counts);
  part.last_counts = counts;
  part.last_start = start;
  return store_range(part);
}

// All ranges of the part are stored.
Result<SqliteVoid> SqliteParts::find_void(SqlitePart& part, uint64_t from) const {
  LEAT_ASSIGN(SqliteStatement select,
              db_->prepare("SELECT start, inserted, updated, ignored, filtered, rejected, digest FROM _leat_ranges "
                           "WHERE part = ? AND start >= ? ORDER BY start"));
  select.with(part.id, from);
  SqliteVoid found{.part = &part, .from = from, .end = part.end, .counts = {}};
  for (bool begins = true;; begins = false) {
    LEAT_ASSIGN(const bool row, select.step());
    if (begins && (!row || select.number(0) != from)) return misplaced(part, from, "no fresh range begins at");
    if (!row) return found;
    found.counts.add(read_counts(select, 1));
  }
}

Status SqliteParts::store_range(const SqlitePart& part) {
  const Counts& counts = part.last_counts;
  return put_range_
      .with(part.id, part.last_start, part.end, counts.inserted, counts.updated, counts.ignored, counts.filtered,
            counts.rejected, counts.digest, static_cast<int64_t>(part.last_gap ? 1 : 0))
      .run();
}

Status SqliteParts::store_provisional(SqlitePart& part, const Range& range) {
  // Of one that was ignored, or has given way to a record with its key, nothing is there.
  if (range.counts.inserted + range.counts.updated + range.counts.rejected == 0 || !part.provisional) return {};
  if (part.provisional->start < range.start) {
    return misplaced(part, range.start, "nothing was written for the provisional range at");
  }
  SqliteProvisional& record = *part.provisional;
  LEAT_TRY(put_provisional_
               .with(part.id, record.start, range.end, record.inserted, record.rejected, range.counts.digest,
                     record.first_row, record.first_reject, record.content, record.updated)
               .run());
  record.stored = true;
  return {};
}

Status SqliteParts::forget_provisional(SqlitePart& part) {
  if (!part.provisional) return {};
  const bool stored = part.provisional->stored;
  part.provisional.reset();
  return stored ? delete_provisional_.with(part.id).run() : Status();
}

Status SqliteParts::correct(SqlitePart& part, uint64_t offset, const Counts& change) {
  LEAT_ASSIGN(
      SqliteStatement select,
      db_->prepare("SELECT start, inserted, updated, ignored, filtered, rejected, digest FROM _leat_ranges WHERE "
                   "part = ?1 AND start <= ?2 AND \"end\" > ?2"));
  select.with(part.id, offset);
  LEAT_ASSIGN(const bool found, select.step());
  if (!found) return misplaced(part, offset, "no range holds the record at");
  const uint64_t start = select.number(0);
  Counts counts = read_counts(select, 1);
  counts.add(change);
  LEAT_ASSIGN(
      SqliteStatement update,
      db_->prepare("UPDATE _leat_ranges SET inserted = ?, updated = ?, ignored = ?, filtered = ?, rejected = ?, "
                   "digest = ? WHERE part = ? AND start = ?"));
  LEAT_TRY(update
               .with(counts.inserted, counts.updated, counts.ignored, counts.filtered, counts.rejected, counts.digest,
                     part.id, start)
               .run());
  if (start == part.last_start) part.last_counts = counts;
  return {};
}

Status SqliteParts::move(const Positions& moved, int64_t sequence) {
  for (const Position& position : moved) {
    LEAT_ASSIGN(SqlitePart* const part, get(position.part, position.origin));
    if (position.offset != part->end) return misplaced(*part, position.offset, "its position is moved to");
    if (part->origin != position.origin) {
      LEAT_TRY(update_origin_.with(std::string_view(position.origin), part->id).run());
      part->origin = position.origin;
    }
    part->token = position.token;
    LEAT_TRY(update_position_.with(position.offset, std::string_view(position.token), sequence, part->id).run());
  }
  return {};
}

}  // namespace leat
