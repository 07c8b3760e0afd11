#include "sinks/postgres_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace leat {
namespace {

constexpr const char* kRange =
    "SELECT start, inserted, updated, ignored, filtered, rejected, digest, gap, part, \"end\" FROM _leat_ranges WHERE ";

BookedRange read_range(const PostgresRows& row) {
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

int digit_of(char c) {
  return c >= 'A' ? c - 'A' + 10 : c - '0';
}

}  // namespace

std::string kept_text(std::string_view bytes) {
  std::string kept;
  while (!bytes.empty()) {
    const size_t length = bytes.front() == 0 ? 0 : utf8_sequence(bytes);
    if (length == 0) kept += fmt::format("\\x{:02X}", static_cast<unsigned char>(bytes.front()));
    if (bytes.front() == '\\') kept += '\\';
    kept += bytes.substr(0, length);
    bytes.remove_prefix(std::max<size_t>(length, 1));
  }
  return kept;
}

std::string original_text(std::string_view kept) {
  std::string bytes;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] == '\\' && i + 3 < kept.size() && kept[i + 1] == 'x') {
      bytes += static_cast<char>(digit_of(kept[i + 2]) * 16 + digit_of(kept[i + 3]));
      i += 3;
    } else {
      if (kept[i] == '\\') ++i;
      if (i < kept.size()) bytes += kept[i];
    }
  }
  return bytes;
}

Result<std::unique_ptr<PostgresParts>> PostgresParts::load(const PostgresDatabase& db, const std::string& pipeline) {
  std::unique_ptr<PostgresParts> parts(new PostgresParts(db, pipeline));
  LEAT_TRY(parts->load_parts());
  LEAT_TRY(parts->load_ranges());
  LEAT_TRY(parts->load_provisional());
  return parts;
}

Status PostgresParts::load_parts() {
  LEAT_ASSIGN(PostgresRows rows,
              db_->query("SELECT part, name, origin, \"offset\", token FROM _leat_parts LEFT JOIN _leat_positions "
                         "USING(part) WHERE pipeline = $1 ORDER BY part",
                         PostgresParameters::of(pipeline())));
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return {};
    auto part = std::make_unique<BookedPart>();
    part->id = rows.integer(0);
    part->name = original_text(rows.text(1));
    part->origin = original_text(rows.text(2));
    part->end = rows.number(3);
    part->token = original_text(rows.text(4));
    take(std::move(part));
  }
}

Status PostgresParts::load_ranges() {
  LEAT_ASSIGN(PostgresRows rows,
              db_->query(std::string(kRange) + "(part, start) IN (SELECT part, max(start) FROM _leat_ranges JOIN "
                                               "_leat_parts USING(part) WHERE pipeline = $1 GROUP BY part)",
                         PostgresParameters::of(pipeline())));
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return check_loaded();
    take_last_range(rows.integer(8), read_range(rows), rows.number(9));
  }
}

Status PostgresParts::load_provisional() {
  LEAT_ASSIGN(PostgresRows rows, db_->query("SELECT part, start, inserted, rejected, first_row, first_reject, content, "
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

Status PostgresParts::change(const std::string& sql, const PostgresParameters& parameters) const {
  return db_->change(sql, parameters).status().clone();
}

Result<std::vector<BookedRange>> PostgresParts::ranges(const std::string& where, int64_t part, uint64_t at) const {
  LEAT_ASSIGN(PostgresRows rows, db_->query(kRange + where, PostgresParameters::of(part, at)));
  std::vector<BookedRange> all;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return all;
    all.push_back(read_range(rows));
  }
}

Result<int64_t> PostgresParts::insert_part(const std::string& name, const std::string& origin) {
  LEAT_ASSIGN(
      PostgresRows rows,
      db_->query("WITH made AS (INSERT INTO _leat_parts(pipeline, name, origin) VALUES($1, $2, $3) RETURNING part) "
                 "INSERT INTO _leat_positions SELECT part, 0, '', 0 FROM made RETURNING part",
                 PostgresParameters::of(pipeline(), kept_text(name), kept_text(origin))));
  LEAT_TRY(rows.step().status().clone());
  return rows.integer(0);
}

Status PostgresParts::update_origin(const BookedPart& part) {
  return change("UPDATE _leat_parts SET origin = $2 WHERE part = $1",
                PostgresParameters::of(part.id, kept_text(part.origin)));
}

Status PostgresParts::update_position(const BookedPart& part, int64_t sequence) {
  return change("UPDATE _leat_positions SET \"offset\" = $2, token = $3, sequence = $4 WHERE part = $1",
                PostgresParameters::of(part.id, part.end, kept_text(part.token), sequence));
}

Status PostgresParts::put_range(int64_t part, const BookedRange& range, uint64_t end) {
  const Counts& counts = range.counts;
  return change(
      "INSERT INTO _leat_ranges VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::bigint <> 0) "
      "ON CONFLICT (part, start) DO UPDATE SET \"end\" = $3, inserted = $4, updated = $5, ignored = $6, filtered = $7, "
      "rejected = $8, digest = $9, gap = $10 <> 0",
      PostgresParameters::of(part, range.start, end, counts.inserted, counts.updated, counts.ignored, counts.filtered,
                             counts.rejected, counts.digest, static_cast<int64_t>(range.gap ? 1 : 0)));
}

Status PostgresParts::update_counts(int64_t part, const BookedRange& range) {
  const Counts& counts = range.counts;
  return change(
      "UPDATE _leat_ranges SET inserted = $3, updated = $4, ignored = $5, filtered = $6, rejected = $7, digest = $8 "
      "WHERE part = $1 AND start = $2",
      PostgresParameters::of(part, range.start, counts.inserted, counts.updated, counts.ignored, counts.filtered,
                             counts.rejected, counts.digest));
}

Status PostgresParts::delete_range(int64_t part, uint64_t start) {
  return change("DELETE FROM _leat_ranges WHERE part = $1 AND start = $2", PostgresParameters::of(part, start));
}

Result<std::optional<BookedRange>> PostgresParts::range_before(int64_t part, uint64_t start) {
  LEAT_ASSIGN(const auto found, ranges("part = $1 AND start < $2 ORDER BY start DESC LIMIT 1", part, start));
  return only(found);
}

Result<std::optional<BookedRange>> PostgresParts::range_at(int64_t part, uint64_t offset) {
  LEAT_ASSIGN(const auto found, ranges("part = $1 AND start <= $2 AND \"end\" > $2", part, offset));
  return only(found);
}

Result<std::vector<BookedRange>> PostgresParts::ranges_from(int64_t part, uint64_t from) {
  return ranges("part = $1 AND start >= $2 ORDER BY start", part, from);
}

Status PostgresParts::put_provisional(const BookedPart& part, uint64_t end, uint64_t digest) {
  const BookedProvisional& record = *part.provisional;
  return change(
      "INSERT INTO _leat_provisional VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (part) DO UPDATE SET "
      "start = $2, \"end\" = $3, inserted = $4, rejected = $5, digest = $6, first_row = $7, first_reject = $8, "
      "content = $9, updated = $10",
      PostgresParameters::of(part.id, record.start, end, record.inserted, record.rejected, digest, record.first_row,
                             record.first_reject, record.content, record.updated));
}

Status PostgresParts::delete_provisional(int64_t part) {
  return change("DELETE FROM _leat_provisional WHERE part = $1", PostgresParameters::of(part));
}

Result<std::vector<SpentPart>> PostgresParts::spent_parts() {
  LEAT_ASSIGN(PostgresRows rows, db_->query(kSpentParts, PostgresParameters::of(std::string_view(pipeline()))));
  std::vector<SpentPart> parts;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return parts;
    parts.push_back({rows.integer(0), rows.integer(1), rows.number(2)});
  }
}

Status PostgresParts::put_taken(const SpentPart& part) {
  return change("INSERT INTO _leat_taken VALUES($1, $2, $3) ON CONFLICT (part) DO UPDATE SET rows = $2, digest = $3",
                PostgresParameters::of(part.id, part.taken, part.digest));
}

Status PostgresParts::delete_part(int64_t part) {
  for (const char* table : {"_leat_positions", "_leat_ranges", "_leat_taken", "_leat_parts"}) {
    LEAT_TRY(db_->execute(fmt::format("DELETE FROM {} WHERE part = {}", table, part)));
  }
  return {};
}

}  // namespace leat
