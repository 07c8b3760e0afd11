#include "sinks/postgres_full_pull.h"

#include <fmt/format.h>

#include "base/text.h"

namespace leat {
namespace {

std::string count_of(uint64_t number, std::string_view word) {
  return fmt::format("{} {}{}", with_commas(number), word, number == 1 ? "" : "s");
}

}  // namespace

Result<PostgresFullPull> PostgresFullPull::load(const PostgresDatabase& db, const std::string& pipeline) {
  PostgresFullPull pull(db, pipeline);
  LEAT_ASSIGN(PostgresRows rows,
              db.query("SELECT part, first_revision, vanished FROM _leat_full_pulls WHERE pipeline = $1",
                       PostgresParameters::of(pipeline)));
  LEAT_ASSIGN(const bool row, rows.step());
  if (!row) return pull;
  pull.part_ = rows.integer(0);
  if (!rows.is_null(1)) pull.first_revision_ = rows.integer(1);
  pull.vanished_ = rows.number(2);
  return pull;
}

Status PostgresFullPull::take(const Range& range, const BookedPart& part, int64_t next_revision,
                              PostgresBatchWriter& writer, const Note& note) {
  if (range.full == FullPull::begins) {
    part_ = part.id;
    first_revision_ = next_revision;
    return keep();
  }
  if (range.full == FullPull::none || !first_revision_) return {};
  LEAT_TRY(end(writer, note));
  first_revision_.reset();
  return keep();
}

Status PostgresFullPull::end(PostgresBatchWriter& writer, const Note& note) {
  LEAT_ASSIGN(PostgresRows rows,
              db_->query("SELECT coalesce(sum(inserted + updated + ignored), 0)::bigint, "
                         "coalesce(sum(rejected), 0)::bigint FROM _leat_ranges JOIN _leat_parts USING(part) "
                         "WHERE pipeline = $1 AND part >= $2",
                         PostgresParameters::of(pipeline_, part_)));
  LEAT_TRY(rows.step().status().clone());
  const uint64_t seen = rows.number(0);
  const uint64_t rejected = rows.number(1);
  const auto say = [&](NoteLevel level, const std::string& text) {
    if (note) note(level, fmt::format("a full pull is complete: {}", text));
  };
  if (rejected > 0) {
    say(NoteLevel::warning,
        fmt::format("{} of it, whose rows are not known: nothing is deleted", count_of(rejected, "reject")));
    return {};
  }
  if (seen == 0) {
    say(NoteLevel::warning, "it has brought no record at all: nothing is deleted");
    return {};
  }
  LEAT_ASSIGN(const uint64_t deleted, writer.delete_unseen(*first_revision_));
  vanished_ += deleted;
  say(NoteLevel::info, "deleted " + count_of(deleted, "row") + " that it did not have");
  return {};
}

Status PostgresFullPull::keep() {
  const std::string first = first_revision_ ? std::to_string(*first_revision_) : "NULL";
  return db_
      ->change(fmt::format("INSERT INTO _leat_full_pulls VALUES($1, $2, {0}, $3) ON CONFLICT (pipeline) DO UPDATE SET "
                           "part = $2, first_revision = {0}, vanished = $3",
                           first),
               PostgresParameters::of(pipeline_, part_, vanished_))
      .status()
      .clone();
}

}  // namespace leat
