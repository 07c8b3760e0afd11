#include "sinks/part_books.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"

namespace leat {
namespace {

constexpr std::string_view kNext = "_leat_next_";

}  // namespace

std::string next_pipeline(const std::string& pipeline) {
  return std::string(kNext) + pipeline;
}

std::string next_table(const std::string& table) {
  return std::string(kNext) + table;
}

bool is_next_pipeline(std::string_view pipeline) {
  return pipeline.starts_with(kNext);
}

uint64_t content_of(const RecordBatch& batch, size_t row) {
  uint64_t hash = hash64("row", batch.origin_of(row).line);
  const std::vector<Field>& fields = batch.schema().fields;
  for (size_t c = 0; c < fields.size(); ++c) {
    hash = hash64(fields[c].name, hash + (batch.is_null(c, row) ? 1 : 0));
    if (fields[c].type == Type::text || fields[c].type == Type::json) {
      hash = hash64(batch.text(c, row), hash);
    } else {
      hash = mix64(hash ^ batch.cell(c, row));
    }
  }
  return hash;
}

uint64_t content_of(const Reject& reject) {
  return hash64(reject.reason, reject.raw_hash.high ^ reject.raw_hash.low ^ reject.line);
}

void PartBooks::take(std::unique_ptr<BookedPart> part) {
  by_name_[part->name] = part.get();
  parts_.push_back(std::move(part));
}

void PartBooks::take_last_range(int64_t part, const BookedRange& range, uint64_t end) {
  BookedPart* const of = with_id(part);
  if (of == nullptr) return;
  of->has_range = of->end == end;
  of->last_start = range.start;
  of->last_counts = range.counts;
  of->last_gap = range.gap;
}

Status PartBooks::check_loaded() const {
  for (const auto& part : parts_) {
    if (part->has_range || part->end == 0) continue;
    return Status::fatal(
        fmt::format("{}: part {} {} ({}): its position {} is not where its ranges end; the tables were changed, see "
                    "`leat verify`",
                    where_, part->id, quoted(part->name), visible(part->origin), part->end));
  }
  return {};
}

BookedPart* PartBooks::with_id(int64_t id) {
  const auto at = std::lower_bound(parts_.begin(), parts_.end(), id,
                                   [](const auto& part, int64_t wanted) { return part->id < wanted; });
  return at != parts_.end() && (*at)->id == id ? at->get() : nullptr;
}

Positions PartBooks::positions() const {
  Positions positions;
  positions.reserve(parts_.size());
  for (const auto& part : parts_) positions.push_back({part->name, part->origin, part->end, part->token});
  return positions;
}

Result<BookedPart*> PartBooks::get(const std::string& name, const std::string& origin) {
  const auto known = by_name_.find(name);
  if (known != by_name_.end()) return known->second;
  LEAT_ASSIGN(const int64_t id, insert_part(name, origin));
  auto part = std::make_unique<BookedPart>();
  part->id = id;
  part->name = name;
  part->origin = origin;
  BookedPart* made = part.get();
  take(std::move(part));
  return made;
}

// The counts and the digests of parts add up; where one of them stood in the source nobody asks any more.
Status PartBooks::fold_spent(int64_t sequence) {
  LEAT_ASSIGN(const std::vector<SpentPart> spent, spent_parts());
  if (spent.size() < 2) return {};
  BookedPart* const kept = with_id(spent.back().id);
  SpentPart taken{.id = kept->id};
  Counts counts;
  uint64_t end = 0;
  for (const SpentPart& each : spent) {
    LEAT_ASSIGN(const std::vector<BookedRange> ranges, ranges_from(each.id, 0));
    for (const BookedRange& range : ranges) {
      counts.add(range.counts);
      if (each.id == kept->id) LEAT_TRY(delete_range(kept->id, range.start));
    }
    taken.taken += each.taken;
    taken.digest += each.digest;
    BookedPart* const part = with_id(each.id);
    end += part->end;
    if (part == kept) continue;
    LEAT_TRY(delete_part(each.id));
    by_name_.erase(part->name);
    std::erase_if(parts_, [&](const auto& one) { return one.get() == part; });
  }
  kept->end = end;
  kept->has_range = end > 0;
  kept->last_start = 0;
  kept->last_counts = counts;
  if (kept->has_range) LEAT_TRY(store_range(*kept));
  LEAT_TRY(put_taken(taken));
  return update_position(*kept, sequence);
}

Status PartBooks::misplaced(const BookedPart& part, uint64_t offset, const char* what) const {
  return Status::bug(fmt::format("{}: part {} {} ({}) stands at {}, but {} {}", where_, part.id, quoted(part.name),
                                 visible(part.origin), part.end, what, offset));
}

Result<std::vector<VoidRange>> PartBooks::add(const Ranges& ranges) {
  std::vector<VoidRange> voids;
  std::vector<BookedPart*> changed;
  for (const Range& range : ranges) {
    if (range.provisional) continue;
    LEAT_ASSIGN(BookedPart* const part, get(range.part, ""));
    if (range.start != part->end) return misplaced(*part, range.start, "a range begins at");
    if (range.end < range.start) return misplaced(*part, range.end, "a range ends at");
    if (range.fresh && part->has_range) LEAT_TRY(store_range(*part));
    if (range.void_from && *range.void_from != part->end) {
      LEAT_ASSIGN(const VoidRange found, find_void(*part, *range.void_from));
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
  std::sort(changed.begin(), changed.end(), [](const BookedPart* a, const BookedPart* b) { return a->id < b->id; });
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  for (const BookedPart* part : changed) {
    if (part->has_range) LEAT_TRY(store_range(*part));
  }
  for (const Range& range : ranges) {
    if (!range.provisional) continue;
    LEAT_ASSIGN(BookedPart* const part, get(range.part, ""));
    // Behind the position it is; before it, a range of this commit has taken its place.
    if (range.start > part->end) return misplaced(*part, range.start, "a provisional range begins at");
    if (range.start == part->end) LEAT_TRY(store_provisional(*part, range));
  }
  return voids;
}

// What comes now may be void later: the range that was kept apart so far, which is stored, joins the one before it.
Status PartBooks::begin_fresh(BookedPart& part) {
  if (!part.has_range) return {};
  part.has_range = false;
  LEAT_ASSIGN(const std::optional<BookedRange> before, range_before(part.id, part.last_start));
  if (!before || before->gap != part.last_gap) return {};
  LEAT_TRY(delete_range(part.id, part.last_start));
  part.last_start = before->start;
  part.last_counts.add(before->counts);
  return store_range(part);
}

// All ranges of the part are stored.
Result<VoidRange> PartBooks::find_void(BookedPart& part, uint64_t from) {
  LEAT_ASSIGN(const std::vector<BookedRange> ranges, ranges_from(part.id, from));
  if (ranges.empty() || ranges.front().start != from) return misplaced(part, from, "no fresh range begins at");
  VoidRange found{.part = &part, .from = from, .end = part.end, .counts = {}};
  for (const BookedRange& range : ranges) found.counts.add(range.counts);
  return found;
}

Status PartBooks::store_range(const BookedPart& part) {
  return put_range(part.id, {part.last_start, part.last_counts, part.last_gap}, part.end);
}

Status PartBooks::store_provisional(BookedPart& part, const Range& range) {
  // Of one that was ignored, or has given way to a record with its key, nothing is there.
  if (range.counts.inserted + range.counts.updated + range.counts.rejected == 0 || !part.provisional) return {};
  if (part.provisional->start < range.start) {
    return misplaced(part, range.start, "nothing was written for the provisional range at");
  }
  LEAT_TRY(put_provisional(part, range.end, range.counts.digest));
  part.provisional->stored = true;
  return {};
}

Status PartBooks::forget_provisional(BookedPart& part) {
  if (!part.provisional) return {};
  const bool stored = part.provisional->stored;
  part.provisional.reset();
  return stored ? delete_provisional(part.id) : Status();
}

Status PartBooks::correct(BookedPart& part, uint64_t offset, const Counts& change) {
  LEAT_ASSIGN(std::optional<BookedRange> range, range_at(part.id, offset));
  if (!range) return misplaced(part, offset, "no range holds the record at");
  range->counts.add(change);
  LEAT_TRY(update_counts(part.id, *range));
  if (range->start == part.last_start) part.last_counts = range->counts;
  return {};
}

Status PartBooks::move(const Positions& moved, int64_t sequence) {
  for (const Position& position : moved) {
    LEAT_ASSIGN(BookedPart* const part, get(position.part, position.origin));
    if (position.offset != part->end) return misplaced(*part, position.offset, "its position is moved to");
    if (part->origin != position.origin) {
      part->origin = position.origin;
      LEAT_TRY(update_origin(*part));
    }
    part->token = position.token;
    LEAT_TRY(update_position(*part, sequence));
  }
  return {};
}

}  // namespace leat
