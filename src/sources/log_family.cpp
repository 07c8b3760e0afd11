#include "sources/log_family.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace leat {
namespace {

bool is_compressed(std::string_view path) {
  for (const std::string_view suffix : {".gz", ".zst", ".bz2", ".xz"}) {
    if (path.ends_with(suffix)) return true;
  }
  return false;
}

bool is_unchanged(const os::FileInfo& a, const os::FileInfo& b) {
  return a.device == b.device && a.inode == b.inode && a.size == b.size && a.mtime_ns == b.mtime_ns;
}

// Of a finished generation, other bytes after its end in another file are another generation's; and equal small files
// may be two.
bool may_continue(const Generation& generation, const os::FileInfo& info) {
  constexpr uint64_t kSmallestCopy = 1024;
  if (generation.state() != Generation::State::finished || generation.is_same_file(info)) return true;
  return info.size == generation.offset() && info.size >= kSmallestCopy;
}

}  // namespace

bool LogFamily::has_history() const {
  return std::any_of(generations_.begin(), generations_.end(),
                     [](const auto& g) { return g->offset() > 0 || g->state() == Generation::State::open; });
}

Generation* LogFamily::find_known(const os::FileInfo& info) const {
  for (const auto& generation : generations_) {
    const bool by_descriptor =
        generation->state() == Generation::State::open || generation->state() == Generation::State::refused;
    if (by_descriptor && generation->is_same_file(info)) return generation.get();
    if (generation->state() == Generation::State::finished && generation->is_unchanged(info)) return generation.get();
  }
  return nullptr;
}

void LogFamily::sort() {
  std::sort(generations_.begin(), generations_.end(),
            [](const auto& a, const auto& b) { return parse_part(a->part())->number < parse_part(b->part())->number; });
}

Generation& LogFamily::append() {
  uint64_t number = 1;
  if (!generations_.empty()) number = parse_part(generations_.back()->part())->number + 1;
  return *generations_.emplace_back(std::make_unique<Generation>(name_, number));
}

void LogFamily::trouble(const std::string& text, const ScanContext& context) {
  troubles_.push_back(text);
  if (!context.once && told_.insert(text).second) context.note(NoteLevel::warning, text + "; trying again");
}

Result<std::vector<LogFamily::Candidate>> LogFamily::list(const ScanContext& context) {
  std::set<std::string> paths = included_;
  if (has_history()) {
    const std::string directory(directory_of(name_));
    LEAT_ASSIGN(const auto names, context.files.list(directory));
    for (const std::string& name : names) {
      const std::string path = directory == "/" ? "/" + name : directory + "/" + name;
      if (member_of(path).family == name_) paths.insert(path);
    }
  }
  std::vector<Candidate> candidates;
  for (const std::string& path : paths) {
    Candidate candidate;
    candidate.path = path;
    candidate.member = member_of(path);
    candidate.included = included_.count(path) > 0;
    auto info = context.files.info(path, candidate.included ? os::Links::follow : os::Links::refuse);
    if (!info.ok()) {
      if (!candidate.included) return std::move(info).status();
      trouble(info.status().message(), context);
      continue;
    }
    if (!*info) continue;
    if (candidate.included && is_compressed(path)) {
      trouble(visible(path) + ": is compressed; only plain files can be read (decompress it into another file first)",
              context);
      continue;
    }
    if (!(*info)->regular) {
      if (candidate.included) {
        trouble(visible(path) + ((*info)->directory ? ": is a directory; name the files in it, or a glob"
                                                    : ": is not a regular file; it cannot be read from a position"),
                context);
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

// Opens the files that no generation is known to be in, and finds the generations without a file among them.
Status LogFamily::identify(std::vector<Candidate>& candidates, const ScanContext& context) {
  for (Candidate& candidate : candidates) {
    if (candidate.match != nullptr) continue;
    if (!candidate.included && std::any_of(ignored_.begin(), ignored_.end(), [&](const os::FileInfo& ignored) {
          return is_unchanged(ignored, candidate.info);
        })) {
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
    LEAT_ASSIGN(candidate.info, (*file)->info());
    if (!candidate.info.regular) continue;
    candidate.match = find_known(candidate.info);
    if (candidate.match == nullptr) candidate.file = *std::move(file);
  }
  // The very file first: where several files would fit, device and inode decide.
  for (const bool same_file : {true, false}) {
    for (Candidate& candidate : candidates) {
      if (candidate.file == nullptr || candidate.match != nullptr) continue;
      Generation* best = nullptr;
      for (const auto& generation : generations_) {
        if (generation->state() == Generation::State::open || generation->state() == Generation::State::refused)
          continue;
        if (same_file && !generation->is_same_file(candidate.info)) continue;
        if (best != nullptr && generation->offset() <= best->offset()) continue;
        if (!may_continue(*generation, candidate.info)) continue;
        const bool taken = std::any_of(candidates.begin(), candidates.end(),
                                       [&](const Candidate& other) { return other.match == generation.get(); });
        if (taken) continue;
        LEAT_ASSIGN(const bool fits, generation->matches(*candidate.file, candidate.info));
        if (fits) best = generation.get();
      }
      candidate.match = best;
    }
  }
  return {};
}

Status LogFamily::attach_matches(std::vector<Candidate>& candidates, const ScanContext& context) {
  for (Candidate& candidate : candidates) {
    if (candidate.match == nullptr) continue;
    const bool live = candidate.member.rotation == Rotation::live;
    if (candidate.file != nullptr) {
      const bool finished = candidate.match->state() == Generation::State::finished;
      if (finished && candidate.info.size <= candidate.match->offset()) {
        ignored_.push_back(candidate.info);
        candidate.file.reset();
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
  const Candidate* newest_known = nullptr;
  for (const Candidate& candidate : candidates) {
    if (candidate.match != nullptr) newest_known = &candidate;
  }
  int64_t last_seen_ns = INT64_MIN;
  for (const auto& generation : generations_) last_seen_ns = std::max(last_seen_ns, generation->info().mtime_ns);
  for (Candidate& candidate : candidates) {
    if (candidate.match != nullptr || candidate.file == nullptr) continue;
    if (!candidate.included) {
      const bool newer = newest_known != nullptr ? is_older(newest_known->member, newest_known->info.mtime_ns,
                                                            candidate.member, candidate.info.mtime_ns)
                                                 : candidate.info.mtime_ns > last_seen_ns;
      if (!newer) {
        ignored_.push_back(candidate.info);
        continue;
      }
    }
    Generation& generation = append();
    candidate.match = &generation;
    generation.found_at(candidate.path, candidate.member.rotation == Rotation::live);
    LEAT_TRY(generation.attach(std::move(candidate.file), candidate.info, context.make_cutter, context.now_ms));
  }
  return {};
}

void LogFamily::give_up_missing(const ScanContext& context) {
  if (!troubles_.empty()) return;  // it may be in a file that could not be looked at
  for (const auto& generation : generations_) {
    if (generation->state() != Generation::State::sought) continue;
    const uint64_t size = generation->info().size;
    const bool unread = size > generation->offset();
    context.note(
        unread ? NoteLevel::warning : NoteLevel::info,
        fmt::format("{} (last seen as {}) is gone: {}", visible(generation->part()), visible(generation->path()),
                    unread ? fmt::format("{} of it were never read", human_bytes(size - generation->offset()))
                           : "all that was seen of it had been read"));
    if (auto last = generation->finish()) context.last_positions.push_back(*std::move(last));
  }
}

Status LogFamily::scan(const ScanContext& context) {
  troubles_.clear();
  LEAT_ASSIGN(std::vector<Candidate> candidates, list(context));
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

Status LogFamily::truncated(Generation& generation, const ScanContext& context) {
  context.note(NoteLevel::warning,
               fmt::format("{}: was truncated to {} bytes after {} had been read; it is read anew from its beginning "
                           "(what was written and truncated between two looks is lost)",
                           visible(generation.path()), generation.info().size, generation.offset()));
  const std::string path = generation.path();
  const bool live = generation.live();
  const os::FileInfo before = generation.info();
  if (auto last = generation.finish()) context.last_positions.push_back(*std::move(last));
  LEAT_ASSIGN(auto file, context.files.open(path, os::Links::follow));
  if (file == nullptr) return {};
  LEAT_ASSIGN(const os::FileInfo info, file->info());
  // Renamed in the meantime: the next scan finds out what is what.
  if (info.device != before.device || info.inode != before.inode) return {};
  Generation& anew = append();
  anew.found_at(path, live);
  return anew.attach(std::move(file), info, context.make_cutter, context.now_ms);
}

Result<bool> LogFamily::is_copy(const Generation& generation, os::FileSystem& files) const {
  constexpr uint64_t kSmallestCopy = 1024;
  if (generation.offset() > 0 || generation.live() || generation.info().size < kSmallestCopy) return false;
  for (const auto& other : generations_) {
    if (other.get() == &generation || other->offset() != generation.info().size) continue;
    LEAT_ASSIGN(const auto file, files.open(generation.path(), os::Links::follow));
    if (file == nullptr) return false;
    LEAT_ASSIGN(const bool same, other->matches(*file, generation.info()));
    if (same) return true;
  }
  return false;
}

}  // namespace leat
