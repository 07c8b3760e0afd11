#pragma once

// What a source has not brought again in a full pull goes (docs/formats/database.md, "Full pulls"). How it is kept is
// the business of the sink's own class, which this is the common part of. Owned by the sink; its thread.

#include <cstdint>
#include <functional>
#include <optional>

#include "data/position.h"
#include "flow/note.h"
#include "sinks/part_books.h"

namespace leat {

class FullPullBook {
 public:
  FullPullBook() = default;
  FullPullBook(const FullPullBook&) = delete;
  FullPullBook& operator=(const FullPullBook&) = delete;
  virtual ~FullPullBook() = default;

  // Deletes the rows whose revision is smaller; how many.
  using DeleteUnseen = std::function<Result<uint64_t>(int64_t before_revision)>;
  // Within a transaction that began when the next revision was `next_revision`: what `range`, which is in the books,
  // says of it.
  Status take(const Range& range, const BookedPart& part, int64_t next_revision, const DeleteUnseen& delete_unseen,
              const Note& note);

 protected:
  struct Seen {
    uint64_t records = 0;  // but rejects
    uint64_t rejects = 0;
  };
  // In the ranges of the parts from `part` on.
  virtual Result<Seen> seen_since(int64_t part) = 0;
  // All of these are stored.
  virtual Status keep() = 0;

  int64_t part_ = 0;                       // the first one of the pull
  std::optional<int64_t> first_revision_;  // none: it is complete
  uint64_t vanished_ = 0;                  // rows that were deleted, ever

 private:
  Status end(const DeleteUnseen& delete_unseen, const Note& note);
};

}  // namespace leat
