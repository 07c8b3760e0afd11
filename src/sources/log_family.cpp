#include "sources/log_family.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace leat {
namespace {

constexpr uint64_t kSmallestCopy = 1024;  // shorter files may be equal by chance
constexpr uint64_t kSeekMs = 3000;        // a rotation in progress renames and copies for a while
constexpr size_t kMostRemembered = 4096;
constexpr int kMostTries = 50;              // to see the files of a log between two renames of its rotation
constexpr int64_t kCopyNs = 2'000'000'000;  // a copy that did not grow for so long is done

bool is_unreadable_archive(std::string_view path) {
  for (const std::string_view suffix : {".bz2", ".xz", ".br"}) {
    if (path.ends_with(suffix)) return true;
  }
  return false;
}

bool is_unchanged(const os::FileInfo& a, const os::FileInfo& b) {
  return a.is_same_file(b) && a.stored_size == b.stored_size && a.mtime_ns == b.mtime_ns;
}

// How long before `file` was made another one was last written, or made: whichever is earlier. One of which that was
// earlier cannot be a copy of `file`. What was compressed was made late, but bears the time of its bytes. Negative: it
// was later, or nobody knows. `file` is not compressed.
int64_t ns_before(const os::FileInfo& other, bool compressed, const os::FileInfo& file) {
  if (file.born_ns == 0) return -1;
  int64_t then = other.mtime_ns;
  if (!compressed && other.born_ns != 0) then = std::min(then, other.born_ns);
  return file.born_ns - then;
}

bool contains(const std::vector<os::FileInfo>& infos, const os::FileInfo& info) {
  return std::any_of(infos.begin(), infos.end(), [&](const os::FileInfo& each) { return is_unchanged(each, info); });
}

}  // namespace

Result<const std::vector<std::string>*> Siblings::of(const std::string& family) {
  const std::string directory(directory_of(family));
  auto folder = folders_.find(directory);
  if (folder == folders_.end()) {
    LEAT_ASSIGN(const auto names, files_.list(directory));
    folder = folders_.try_emplace(directory).first;
    for (const std::string& name : names) {
      std::string path = directory == "/" ? "/" + name : directory + "/" + name;
      folder->second[member_of(path).family].push_back(std::move(path));
    }
  }
  return &folder->second[family];
}

bool LogFamily::has_history() const {
  return std::any_of(generations_.begin(), generations_.end(),
                     [](const auto& g) { return g->has_position() || g->state() == Generation::State::open; });
}

bool LogFamily::knows_others(const Generation& generation) const {
  return std::any_of(generations_.begin(), generations_.end(),
                     [&](const auto& g) { return g.get() != &generation && g->has_position(); });
}

Generation* LogFamily::find_known(const os::FileInfo& info) const {
  for (const auto& generation : generations_) {
    switch (generation->state()) {
      case Generation::State::open:
        if (generation->is_same_file(info)) return generation.get();
        break;
      case Generation::State::refused:  // it has let go of the file, so a smaller one has only the same inode
        if (generation->is_same_file(info) && info.size >= generation->info().size) return generation.get();
        break;
      case Generation::State::finished:
        if (generation->is_unchanged(info)) return generation.get();
        break;
      case Generation::State::sought:
      case Generation::State::cut:
        break;
    }
  }
  return nullptr;
}

void LogFamily::sort() {
  std::sort(generations_.begin(), generations_.end(),
            [](const auto& a, const auto& b) { return parse_part(a->part())->number < parse_part(b->part())->number; });
  std::string known;
  for (const auto& generation : generations_) {
    generation->set_fallback(known);
    if (std::string state = generation->cutter_state(); !state.empty()) known = std::move(state);
  }
}

Generation& LogFamily::append() {
  uint64_t number = 1;
  if (!generations_.empty()) number = parse_part(generations_.back()->part())->number + 1;
  std::string known;
  for (const auto& generation : generations_) {
    if (std::string state = generation->cutter_state(); !state.empty()) known = std::move(state);
  }
  generations_.push_back(std::make_unique<Generation>(name_, number));
  generations_.back()->set_fallback(std::move(known));
  return *generations_.back();
}

void LogFamily::trouble(const std::string& text, const ScanContext& context) {
  troubles_.push_back(text);
  if (!context.once && told_.insert(text).second) context.note(NoteLevel::warning, text + "; trying again");
}

Result<std::vector<LogFamily::Candidate>> LogFamily::list(const ScanContext& context) {
  std::map<std::string, bool> paths = included_;
  if (has_history()) {
    LEAT_ASSIGN(const auto* const siblings, context.siblings.of(name_));
    for (const std::string& path : *siblings) paths.emplace(path, false);
  }
  std::vector<Candidate> candidates;
  looks_.clear();
  for (const auto& [path, named] : paths) {
    Candidate candidate;
    candidate.path = path;
    candidate.member = member_of(path);
    candidate.included = included_.count(path) > 0;
    candidate.named = named;
    auto info = context.files.info(path, candidate.included ? os::Links::follow : os::Links::refuse);
    if (!info.ok()) {
      if (!candidate.included) return std::move(info).status();
      trouble(info.status().message(), context);
      continue;
    }
    looks_.push_back({path, candidate.included ? os::Links::follow : os::Links::refuse, *info});
    if (!*info) continue;
    if (!(*info)->regular) {
      if (candidate.named) {
        trouble(visible(path) + ((*info)->directory ? ": is a directory; name the files in it, or a glob"
                                                    : ": is not a regular file; it cannot be read from a position"),
                context);
      }
      continue;
    }
    // Beside the plain file, gzip is at work or has left both: the plain one is read.
    if (candidate.member.compressed && paths.count(std::string(plain_path_of(path))) > 0) continue;
    if (candidate.included && is_unreadable_archive(path)) {
      const std::string text =
          visible(path) + ": is compressed in a way that cannot be read; decompress it first, or use gzip or zstd";
      if (named) {
        trouble(text, context);
      } else if (told_.insert(text).second) {
        context.note(NoteLevel::warning, text);
      }
      continue;
    }
    candidate.info = **info;
    candidate.match = find_known(candidate.info);
    if (candidate.included) oldest_mtime_ns_ = std::min(oldest_mtime_ns_, candidate.info.mtime_ns);
    candidates.push_back(std::move(candidate));
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return is_older(a.member, a.info.mtime_ns, b.member, b.info.mtime_ns);
  });
  return candidates;
}

// Opens the files that no generation is known to be in.
Status LogFamily::open_unknown(std::vector<Candidate>& candidates, const ScanContext& context) {
  for (Candidate& candidate : candidates) {
    if (candidate.match != nullptr || contains(ignored_, candidate.info)) continue;
    if (contains(not_ready_, candidate.info)) {
      waiting_for_copy_ = true;
      continue;
    }
    auto file = context.files.open(candidate.path, candidate.included ? os::Links::follow : os::Links::refuse);
    if (!file.ok()) {
      if (candidate.included) {
        trouble(file.status().message(), context);
        continue;
      }
      // It may be newer than what is known; going on without it could pass over it for ever.
      return std::move(file).status().within("looking for the rest of " + visible(name_));
    }
    if (*file == nullptr) continue;
    if (candidate.member.compressed) {
      auto plain = open_compressed(*std::move(file), compression_of_name(candidate.path), candidate.path);
      candidate.compressed = plain.get();
      candidate.file = std::move(plain);
    } else {
      candidate.file = *std::move(file);
    }
    LEAT_ASSIGN(candidate.info, candidate.file->info());
    candidate.match = find_known(candidate.info);
    if (candidate.match != nullptr || !candidate.info.regular) candidate.file.reset();
  }
  return {};
}

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

void LogFamily::give_up_missing(const ScanContext& context) {
  for (const auto& generation : generations_) {
    if (generation->state() != Generation::State::sought) continue;
    if (generation->sought_since_ms() == 0) generation->seek_from(context.now_ms);
    // It may be in a file that could not be looked at, or that is being made.
    if (!troubles_.empty() || waiting_for_copy_) continue;
    if (!context.once && context.now_ms < generation->sought_since_ms() + kSeekMs) continue;
    give_up(*generation, context);
  }
}

void LogFamily::give_up(Generation& generation, const ScanContext& context) {
  const uint64_t lost = generation.unread_when_last_seen();
  const std::string name = visible(generation.part()) + " (last seen as " + visible(generation.path()) + ")";
  context.note(
      NoteLevel::warning,
      lost > 0 ? fmt::format("{} is gone: {} of it were never read, a gap of {} bytes", name, human_bytes(lost), lost)
               : fmt::format("{} is gone: what was written to it after byte {}, if anything, is lost", name,
                             generation.delivered_to()));
  if (auto last = generation.finish(lost)) context.last_positions.push_back(*std::move(last));
}

Result<bool> LogFamily::is_settled(const std::vector<Candidate>& candidates, const ScanContext& context) const {
  const bool any_new = std::any_of(candidates.begin(), candidates.end(),
                                   [](const Candidate& candidate) { return candidate.file != nullptr; });
  if (!any_new) return true;
  // A file that is renamed while its folder is listed may be in the list under neither name.
  if (has_history()) {
    LEAT_ASSIGN(const auto* const listed, context.siblings.of(name_));
    const std::set<std::string> before(listed->begin(), listed->end());
    context.siblings.forget();
    LEAT_ASSIGN(const auto* const again, context.siblings.of(name_));
    if (before != std::set<std::string>(again->begin(), again->end())) return false;
  }
  std::map<std::string_view, const os::FileInfo*> opened;
  for (const Candidate& candidate : candidates) {
    if (candidate.file != nullptr) opened.emplace(candidate.path, &candidate.info);
  }
  for (const Look& look : looks_) {
    LEAT_ASSIGN(const auto now, context.files.info(look.path, look.links));
    const auto file = opened.find(look.path);
    const os::FileInfo* before = file != opened.end() ? file->second : look.found ? &*look.found : nullptr;
    if (now.has_value() != (before != nullptr)) return false;
    if (now && !now->is_same_file(*before)) return false;
  }
  return true;
}

Status LogFamily::scan(const ScanContext& context) {
  for (int tries = 1;; ++tries) {
    troubles_.clear();
    waiting_for_copy_ = false;
    LEAT_ASSIGN(std::vector<Candidate> candidates, list(context));
    LEAT_TRY(open_unknown(candidates, context));
    LEAT_ASSIGN(const bool settled, is_settled(candidates, context));
    if (settled) return settle(std::move(candidates), context);
    if (tries == kMostTries) {
      return Status::retry(visible(name_) + ": its files are renamed faster than they can be looked at");
    }
    context.siblings.forget();
  }
}

// What the files are, and what becomes of the generations.
Status LogFamily::settle(std::vector<Candidate> candidates, const ScanContext& context) {
  if (ignored_.size() + not_ready_.size() > kMostRemembered) {
    ignored_.clear();
    not_ready_.clear();
  }
  if (postponed_.size() > kMostRemembered) postponed_.clear();
  LEAT_TRY(identify(candidates, context));
  LEAT_TRY(attach_matches(candidates, context));
  LEAT_TRY(add_new(candidates, context));
  give_up_missing(context);
  // A generation that no path leads to any more is not the live one (its descriptor is read on).
  for (const auto& generation : generations_) {
    if (!generation->live()) continue;
    const bool found = std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& candidate) {
      return candidate.match == generation.get() && candidate.member.rotation == Rotation::live;
    });
    if (!found) generation->found_at(generation->path(), false);
  }
  return {};
}

Result<bool> LogFamily::live_path_changed(os::FileSystem& files) const {
  for (const auto& generation : generations_) {
    if (!generation->live() || generation->state() != Generation::State::open) continue;
    LEAT_ASSIGN(const auto info, files.info(name_, os::Links::follow));
    return !info || !generation->is_same_file(*info);
  }
  return false;
}

void LogFamily::take_first_sights(std::deque<Chunk>& chunks) {
  for (const auto& generation : generations_) {
    if (auto chunk = generation->first_sight()) chunks.push_back(*std::move(chunk));
  }
}

Status LogFamily::was_cut(Generation& generation, const ScanContext& context) {
  const uint64_t unread = generation.unread_when_last_seen();
  context.note(NoteLevel::warning,
               fmt::format("{}: was truncated after {} bytes of it had been read{}; it is read anew from its beginning",
                           visible(generation.path()), generation.offset(),
                           unread > 0 ? fmt::format(" ({} more were seen)", unread) : ""));
  const std::string path = generation.path();
  const bool live = generation.live();
  const os::FileInfo before = generation.info();
  ignored_.clear();  // one of them may be the copy
  generation.detach(context.now_ms);
  LEAT_ASSIGN(auto file, context.files.open(path, os::Links::follow));
  if (file == nullptr) return {};
  LEAT_ASSIGN(const os::FileInfo info, file->info());
  // Renamed in the meantime: the next scan finds out what is what.
  if (!info.is_same_file(before)) return {};
  Generation& anew = append();
  anew.found_at(path, live);
  return anew.attach(std::move(file), info, context.make_cutter, context.now_ms);
}

Result<bool> LogFamily::is_copy(const Generation& generation, os::FileSystem& files) const {
  if (generation.offset() > 0 || generation.live() || generation.info().size < kSmallestCopy) return false;
  for (const auto& other : generations_) {
    if (other.get() == &generation || other->offset() != generation.info().size) continue;
    LEAT_ASSIGN(std::unique_ptr<os::File> file, files.open(generation.path(), os::Links::follow));
    if (file == nullptr) return false;
    const Compression compression = compression_of_name(generation.path());
    if (compression != Compression::none) file = open_compressed(std::move(file), compression, generation.path());
    LEAT_ASSIGN(const bool same, other->matches(*file, generation.info()));
    if (same) return true;
  }
  return false;
}

}  // namespace leat
