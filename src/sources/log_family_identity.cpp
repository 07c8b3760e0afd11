// Which file is which generation (docs/formats/file-source.md): the part of LogFamily that compares bytes.

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "sources/log_family.h"

namespace leat {
namespace {

constexpr int64_t kCopyNs = 2'000'000'000;  // a copy that did not grow for so long is done

// How long before `file` was made another one was last written, or made: whichever is earlier. One of which that was
// earlier cannot be a copy of `file`. What was compressed was made late, but bears the time of its bytes. Negative: it
// was later, or nobody knows. `file` is not compressed.
int64_t ns_before(const os::FileInfo& other, bool compressed, const os::FileInfo& file) {
  if (file.born_ns == 0) return -1;
  int64_t then = other.mtime_ns;
  if (!compressed && other.born_ns != 0) then = std::min(then, other.born_ns);
  return file.born_ns - then;
}

}  // namespace

// Finds the generations without a file among the files without a generation. The very file first: where several would
// fit, device and inode decide. Those of which something was delivered have more to tell them by, and are first.
Status LogFamily::identify(std::vector<Candidate>& candidates, const ScanContext& context) {
  constexpr std::array<std::pair<bool, bool>, 4> kBegunAndSameFile = {
      {{true, true}, {true, false}, {false, true}, {false, false}}};
  for (const auto& [begun, same_file] : kBegunAndSameFile) {
    for (Candidate& candidate : candidates) {
      if (candidate.file == nullptr || candidate.match != nullptr) continue;
      Generation* best = nullptr;
      for (const auto& generation : generations_) {
        const bool finished = generation->state() == Generation::State::finished;
        // An open one without a path was compressed and unlinked: its descriptor is read on.
        const bool unlinked = candidate.compressed != nullptr && generation->state() == Generation::State::open;
        if (!finished && !unlinked && generation->state() != Generation::State::sought) continue;
        if (generation->is_begun() != begun) continue;
        if (same_file && !generation->is_same_file(candidate.info)) continue;
        if (best != nullptr && generation->offset() <= best->offset()) continue;
        const bool taken = std::any_of(candidates.begin(), candidates.end(),
                                       [&](const Candidate& other) { return other.match == generation.get(); });
        if (taken) continue;
        // Equal small files may be two generations; a compressed one is what became of a finished one.
        if (finished && !same_file && candidate.compressed == nullptr &&
            (candidate.info.size != generation->offset() || candidate.info.size < kSmallestCopy)) {
          continue;
        }
        auto fits = generation->matches(*candidate.file, candidate.info);
        if (!fits.ok()) {
          if (candidate.compressed == nullptr) return std::move(fits).status();
          trouble(fits.status().message(), context);  // damaged, or being written
          not_ready_.push_back(candidate.info);
          candidate.compressed = nullptr;
          candidate.file.reset();
          break;
        }
        if (*fits) best = generation.get();
      }
      if (candidate.file == nullptr || best == nullptr) continue;
      candidate.match = best;
      candidate.faint = best->is_faint();
    }
  }
  return {};
}

Result<bool> LogFamily::is_ready(Candidate& candidate, const ScanContext& context) {
  if (candidate.compressed == nullptr) return true;
  auto whole = candidate.compressed->is_whole();
  if (!whole.ok()) {
    trouble(whole.status().message(), context);
  } else if (!*whole && candidate.named) {
    trouble(visible(candidate.path) + ": is cut off; it is read when it is whole", context);
  }
  if (whole.ok() && *whole) {
    LEAT_ASSIGN(candidate.info, candidate.file->info());
    return true;
  }
  not_ready_.push_back(candidate.info);
  return false;
}

Result<LogFamily::Likeness> LogFamily::likeness(Candidate& candidate, const std::vector<Candidate>& candidates,
                                                const ScanContext& context) const {
  if (candidate.member.rotation == Rotation::live) return Likeness::none;
  // A compressed one is whole, and may be what became of a copy.
  const bool fresh =
      candidate.compressed == nullptr && !context.once && context.now_ns - candidate.info.mtime_ns < kCopyNs;
  for (const auto& generation : generations_) {
    if (!generation->is_begun() && !generation->live()) continue;  // is_copy() will tell
    const bool plain = compression_of_name(generation->path()) == Compression::none;
    if (plain && ns_before(candidate.info, candidate.member.compressed, generation->info()) > 0) continue;
    LEAT_ASSIGN(const bool alike, generation->begins_like(*candidate.file, candidate.info));
    if (!alike) continue;
    if (fresh) return Likeness::maybe_copy;
    LEAT_ASSIGN(const bool covered, generation->covers(*candidate.file, candidate.info));
    if (covered) return Likeness::copy;
  }
  // The log itself may be new as well: then it is the last one that will be added.
  for (const Candidate& other : candidates) {
    if (other.member.rotation != Rotation::live || other.file == nullptr || other.compressed != nullptr) continue;
    if (candidate.info.size > other.info.size) continue;
    // A file system's clock ticks some 250 times a second: a file that lived shorter is older than the next one, but
    // seems as old. Its few bytes may be the first ones of that as well; a copy is made later.
    const int64_t least_ns = candidate.info.size < kSmallestCopy ? 0 : 1;
    if (ns_before(candidate.info, candidate.member.compressed, other.info) >= least_ns) continue;
    const uint64_t enough = fresh ? std::min<uint64_t>(kHeadBytes, candidate.info.size) : candidate.info.size;
    LEAT_ASSIGN(const bool alike, begin_alike(*candidate.file, *other.file, enough));
    if (alike) return fresh ? Likeness::maybe_copy : Likeness::copy;
  }
  return Likeness::none;
}

Status LogFamily::attach_matches(std::vector<Candidate>& candidates, const ScanContext& context) {
  for (Candidate& candidate : candidates) {
    if (candidate.match == nullptr) continue;
    const bool live = candidate.member.rotation == Rotation::live && !candidate.member.compressed;
    if (candidate.file != nullptr) {
      LEAT_ASSIGN(const bool ready, is_ready(candidate, context));
      if (!ready) {
        waiting_for_copy_ = true;
        continue;
      }
      const bool open = candidate.match->state() == Generation::State::open;
      const bool finished = candidate.match->state() == Generation::State::finished;
      if (open || (finished && candidate.info.size <= candidate.match->offset())) {
        ignored_.push_back(candidate.info);
        continue;
      }
      candidate.match->found_at(candidate.path, live);
      LEAT_TRY(candidate.match->attach(std::move(candidate.file), candidate.info, context.make_cutter, context.now_ms));
    } else if (candidate.match->state() != Generation::State::finished) {
      candidate.match->found_at(candidate.path, live);
    }
  }
  return {};
}

Status LogFamily::add_new(std::vector<Candidate>& candidates, const ScanContext& context) {
  const Candidate* oldest_known = nullptr;
  const Candidate* newest_known = nullptr;
  for (const Candidate& candidate : candidates) {
    if (candidate.match == nullptr) continue;
    if (oldest_known == nullptr) oldest_known = &candidate;
    // Truncated again since it was seen, it would be newer than the copy that was made of it.
    if (!candidate.faint || !knows_others(*candidate.match)) newest_known = &candidate;
  }
  int64_t last_seen_ns = INT64_MIN;
  for (const auto& generation : generations_) last_seen_ns = std::max(last_seen_ns, generation->info().mtime_ns);
  for (Candidate& candidate : candidates) {
    if (candidate.match != nullptr || candidate.file == nullptr) continue;
    const bool waited_for = std::any_of(postponed_.begin(), postponed_.end(),
                                        [&](const os::FileInfo& info) { return info.is_same_file(candidate.info); });
    if (!candidate.included && !waited_for) {
      const bool newer = newest_known != nullptr ? is_older(newest_known->member, newest_known->info.mtime_ns,
                                                            candidate.member, candidate.info.mtime_ns)
                                                 : candidate.info.mtime_ns > last_seen_ns;
      // Made before a newer one that is known, and after an older one: it was not ready, or leat was killed, when it
      // should have been read.
      const bool missed =
          newest_known != nullptr && !newest_known->member.compressed &&
          is_older(oldest_known->member, oldest_known->info.mtime_ns, candidate.member, candidate.info.mtime_ns) &&
          ns_before(candidate.info, candidate.member.compressed, newest_known->info) > 0;
      if (!newer && !missed) {
        ignored_.push_back(candidate.info);
        continue;
      }
    }
    // Empty and not written to, or the beginning of a copy: its first bytes will tell.
    if (candidate.member.rotation != Rotation::live && candidate.info.size == 0) {
      ignored_.push_back(candidate.info);
      if (!waited_for) postponed_.push_back(candidate.info);
      continue;
    }
    LEAT_ASSIGN(const bool ready, is_ready(candidate, context));
    LEAT_ASSIGN(const Likeness alike,
                ready ? likeness(candidate, candidates, context) : Result<Likeness>(Likeness::maybe_copy));
    if (alike == Likeness::maybe_copy) {
      waiting_for_copy_ = true;
      if (!waited_for) postponed_.push_back(candidate.info);
      if (ready) break;  // nothing newer is begun before it is decided
      continue;
    }
    if (alike == Likeness::copy) {
      context.note(NoteLevel::info, visible(candidate.path) + ": is a copy of bytes that are read elsewhere; skipped");
      ignored_.push_back(candidate.info);
      continue;
    }
    Generation& generation = append();
    candidate.match = &generation;
    generation.found_at(candidate.path, candidate.member.rotation == Rotation::live && !candidate.member.compressed);
    LEAT_TRY(generation.attach(std::move(candidate.file), candidate.info, context.make_cutter, context.now_ms));
  }
  return {};
}

}  // namespace leat
