#include "sinks/duckdb_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace leat {
namespace {

constexpr const char* kRange =
    "SELECT start, inserted, updated, ignored, filtered, rejected, digest, gap, part, \"end\" FROM _leat_ranges WHERE ";

BookedRange read_range(const DuckDbRows& row) {
  return {.start = row.number(0),
          .counts = {.inserted = row.number(1),
                     .updated = row.number(2),
                     .ignored = row.number(3),
                     .filtered = row.number(4),
                     .rejected = row.number(5),
                     .digest = row.number(6)},
          .gap = row.integer(7) != 0};
}

std::optional<BookedRange> only(const std::vector<BookedRange>& ranges) {
  if (ranges.empty()) return std::nullopt;
  return ranges.front();
}

}  // namespace

Status forget_duckdb_parts(const DuckDb& db, const std::string& pipeline) {
  for (const char* table : {"_leat_positions", "_leat_ranges", "_leat_provisional", "_leat_taken", "_leat_rejects"}) {
    LEAT_TRY(
        db.change(fmt::format("DELETE FROM {} WHERE part IN (SELECT part FROM _leat_parts WHERE pipeline = $1)", table),
                  pipeline)
            .status()
            .clone());
  }
  return db.change("DELETE FROM _leat_parts WHERE pipeline = $1", pipeline).status().clone();
}

Result<std::unique_ptr<DuckDbParts>> DuckDbParts::load(const DuckDb& db, const std::string& pipeline) {
  std::unique_ptr<DuckDbParts> parts(new DuckDbParts(db, pipeline));
  LEAT_TRY(parts->load_parts());
  LEAT_TRY(parts->load_ranges());
  LEAT_TRY(parts->load_provisional());
  return parts;
}

Status DuckDbParts::load_parts() {
  LEAT_ASSIGN(DuckDbRows rows,
              db_->query("SELECT part, name, origin, \"offset\", token FROM _leat_parts LEFT JOIN _leat_positions "
                         "USING(part) WHERE pipeline = $1 ORDER BY part",
                         pipeline()));
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return {};
    auto part = std::make_unique<BookedPart>();
    part->id = rows.integer(0);
    part->name = rows.string(1);
    part->origin = rows.string(2);
    part->end = rows.number(3);
    part->token = rows.string(4);
    take(std::move(part));
  }
}

Status DuckDbParts::load_ranges() {
  LEAT_ASSIGN(DuckDbRows rows,
              db_->query(std::string(kRange) + "(part, start) IN (SELECT part, max(start) FROM _leat_ranges JOIN "
                                               "_leat_parts USING(part) WHERE pipeline = $1 GROUP BY part)",
                         pipeline()));
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return check_loaded();
    take_last_range(rows.integer(8), read_range(rows), rows.number(9));
  }
}

Status DuckDbParts::load_provisional() {
  LEAT_ASSIGN(DuckDbRows rows, db_->query("SELECT part, start, inserted, rejected, first_row, first_reject, content, "
                                          "updated FROM _leat_provisional"));
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return {};
    BookedPart* part = with_id(rows.integer(0));
    if (part == nullptr) continue;
    part->provisional = BookedProvisional{.start = rows.number(1),
                                          .inserted = rows.number(2),
                                          .updated = rows.number(7),
                                          .rejected = rows.number(3),
                                          .first_row = rows.integer(4),
                                          .first_reject = rows.integer(5),
                                          .content = rows.number(6),
                                          .stored = true};
  }
}

Result<std::vector<BookedRange>> DuckDbParts::ranges(const std::string& where, int64_t part, uint64_t at) const {
  LEAT_ASSIGN(DuckDbRows rows, db_->query(kRange + where, part, at));
  std::vector<BookedRange> all;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return all;
    all.push_back(read_range(rows));
  }
}

Result<int64_t> DuckDbParts::insert_part(const std::string& name, const std::string& origin) {
  LEAT_ASSIGN(const int64_t part, db_->query_integer("SELECT nextval('_leat_part_numbers')"));
  LEAT_TRY(db_->change("INSERT INTO _leat_parts VALUES($1, $2, $3, $4)", part, pipeline(), DuckDbBytes{name},
                       DuckDbBytes{origin})
               .status()
               .clone());
  LEAT_TRY(db_->change("INSERT INTO _leat_positions VALUES($1, 0, $2, 0)", part, DuckDbBytes{}).status().clone());
  return part;
}

Status DuckDbParts::update_origin(const BookedPart& part) {
  return db_->change("UPDATE _leat_parts SET origin = $2 WHERE part = $1", part.id, DuckDbBytes{part.origin})
      .status()
      .clone();
}

Status DuckDbParts::update_position(const BookedPart& part, int64_t sequence) {
  return db_
      ->change("UPDATE _leat_positions SET \"offset\" = $2, token = $3, sequence = $4 WHERE part = $1", part.id,
               part.end, DuckDbBytes{part.token}, sequence)
      .status()
      .clone();
}

Status DuckDbParts::put_range(int64_t part, const BookedRange& range, uint64_t end) {
  const Counts& counts = range.counts;
  LEAT_ASSIGN(
      const uint64_t changed,
      db_->change("UPDATE _leat_ranges SET \"end\" = $3, inserted = $4, updated = $5, ignored = $6, filtered = $7, "
                  "rejected = $8, digest = $9, gap = $10 <> 0 WHERE part = $1 AND start = $2",
                  part, range.start, end, counts.inserted, counts.updated, counts.ignored, counts.filtered,
                  counts.rejected, counts.digest, int64_t{range.gap}));
  if (changed > 0) return {};
  return db_
      ->change("INSERT INTO _leat_ranges VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10 <> 0)", part, range.start, end,
               counts.inserted, counts.updated, counts.ignored, counts.filtered, counts.rejected, counts.digest,
               int64_t{range.gap})
      .status()
      .clone();
}

Status DuckDbParts::update_counts(int64_t part, const BookedRange& range) {
  const Counts& counts = range.counts;
  return db_
      ->change(
          "UPDATE _leat_ranges SET inserted = $3, updated = $4, ignored = $5, filtered = $6, rejected = $7, digest = "
          "$8 "
          "WHERE part = $1 AND start = $2",
          part, range.start, counts.inserted, counts.updated, counts.ignored, counts.filtered, counts.rejected,
          counts.digest)
      .status()
      .clone();
}

Status DuckDbParts::delete_range(int64_t part, uint64_t start) {
  return db_->change("DELETE FROM _leat_ranges WHERE part = $1 AND start = $2", part, start).status().clone();
}

Result<std::optional<BookedRange>> DuckDbParts::range_before(int64_t part, uint64_t start) {
  LEAT_ASSIGN(const auto found, ranges("part = $1 AND start < $2 ORDER BY start DESC LIMIT 1", part, start));
  return only(found);
}

Result<std::optional<BookedRange>> DuckDbParts::range_at(int64_t part, uint64_t offset) {
  LEAT_ASSIGN(const auto found, ranges("part = $1 AND start <= $2 AND \"end\" > $2", part, offset));
  return only(found);
}

Result<std::vector<BookedRange>> DuckDbParts::ranges_from(int64_t part, uint64_t from) {
  return ranges("part = $1 AND start >= $2 ORDER BY start", part, from);
}

Status DuckDbParts::put_provisional(const BookedPart& part, uint64_t end, uint64_t digest) {
  const BookedProvisional& record = *part.provisional;
  LEAT_TRY(delete_provisional(part.id));
  return db_
      ->change("INSERT INTO _leat_provisional VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", part.id, record.start,
               end, record.inserted, record.rejected, digest, record.first_row, record.first_reject, record.content,
               record.updated)
      .status()
      .clone();
}

Status DuckDbParts::delete_provisional(int64_t part) {
  return db_->change("DELETE FROM _leat_provisional WHERE part = $1", part).status().clone();
}

Result<std::vector<SpentPart>> DuckDbParts::spent_parts() {
  std::vector<SpentPart> parts;
  LEAT_ASSIGN(const bool there, db_->has_table("_leat_full_pulls"));
  if (!there) return parts;
  LEAT_ASSIGN(DuckDbRows rows, db_->query(kSpentParts, pipeline()));
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return parts;
    parts.push_back({rows.integer(0), rows.integer(1), rows.number(2)});
  }
}

Status DuckDbParts::put_taken(const SpentPart& part) {
  LEAT_TRY(db_->change("DELETE FROM _leat_taken WHERE part = $1", part.id).status().clone());
  return db_->change("INSERT INTO _leat_taken VALUES($1, $2, $3)", part.id, part.taken, part.digest).status().clone();
}

Status DuckDbParts::delete_part(int64_t part) {
  for (const char* table : {"_leat_positions", "_leat_ranges", "_leat_taken", "_leat_parts"}) {
    LEAT_TRY(db_->execute(fmt::format("DELETE FROM {} WHERE part = {}", table, part)));
  }
  return {};
}

}  // namespace leat
