#include "sinks/full_pull.h"

#include <fmt/format.h>

#include "base/text.h"

namespace leat {
namespace {

std::string count_of(uint64_t number, std::string_view word) {
  return fmt::format("{} {}{}", with_commas(number), word, number == 1 ? "" : "s");
}

}  // namespace

Status FullPullBook::take(const Range& range, const BookedPart& part, int64_t next_revision,
                          const DeleteUnseen& delete_unseen, const Note& note) {
  if (range.full == FullPull::begins) {
    part_ = part.id;
    first_revision_ = next_revision;
    return keep();
  }
  if (range.full == FullPull::none || !first_revision_) return {};
  LEAT_TRY(end(delete_unseen, note));
  first_revision_.reset();
  return keep();
}

Status FullPullBook::end(const DeleteUnseen& delete_unseen, const Note& note) {
  LEAT_ASSIGN(const Seen seen, seen_since(part_));
  const auto say = [&](NoteLevel level, const std::string& text) {
    if (note) note(level, fmt::format("a full pull is complete: {}", text));
  };
  if (seen.rejects > 0) {
    say(NoteLevel::warning,
        fmt::format("{} of it, whose rows are not known: nothing is deleted", count_of(seen.rejects, "reject")));
    return {};
  }
  if (seen.records == 0) {
    say(NoteLevel::warning, "it has brought no record at all: nothing is deleted");
    return {};
  }
  LEAT_ASSIGN(const uint64_t deleted, delete_unseen(*first_revision_));
  vanished_ += deleted;
  if (*first_revision_ > 1) {  // not the first pull of all
    say(NoteLevel::info,
        deleted == 0 ? "nothing has vanished" : "deleted " + count_of(deleted, "row") + " that it did not have");
  }
  return {};
}

}  // namespace leat
