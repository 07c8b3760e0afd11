#include "sources/log_family.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace leat {
namespace {

constexpr uint64_t kSeekMs = 3000;  // a rotation in progress renames and copies for a while
constexpr size_t kMostRemembered = 4096;
constexpr int kMostTries = 50;  // to see the files of a log between two renames of its rotation

bool is_unreadable_archive(std::string_view path) {
  for (const std::string_view suffix : {".bz2", ".xz", ".br"}) {
    if (path.ends_with(suffix)) return true;
  }
  return false;
}

bool is_unchanged(const os::FileInfo& a, const os::FileInfo& b) {
  return a.is_same_file(b) && a.stored_size == b.stored_size && a.mtime_ns == b.mtime_ns;
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
