#include "sources/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <set>
#include <utility>

#include "base/text.h"
#include "os/limited_files.h"
#include "sources/log_family.h"

namespace leat {
namespace {

constexpr uint64_t kScanEveryMs = 1000;  // how often the globs are looked at anew

class FileSource final : public Source {
 public:
  FileSource(FileOptions options, os::FileSystem& files, os::Clock& clock, Note note)
      : options_(std::move(options)),
        files_(files, std::min(options_.most_open, os::open_file_limit() / 4)),
        clock_(clock),
        note_(std::move(note)) {}

  Status open(SourceRequest request) override {
    request_ = std::move(request);
    families_.clear();
    waiting_chunks_.clear();
    refused_.clear();
    broken_.clear();
    changed_.clear();
    if (!changes_ && !request_.once) changes_ = files_.changes();
    scanned_ = false;
    looked_ = false;
    look_at_ms_ = 0;
    for (const Position& position : request_.resume) {
      const auto name = parse_part(position.part);
      if (!name) return Status::bug("the position of " + quoted(position.part) + " is not one of a file");
      LEAT_ASSIGN(auto generation, Generation::restore(position));
      family(name->family).restored(std::move(generation));
    }
    // By number, which is by age.
    for (const auto& each : families_) each->sort();
    return {};
  }

  Result<Reading> read(const std::stop_token& stop) override {
    for (bool waited = false;; wait(stop)) {
      if (stop.stop_requested()) return Status::stopped();
      // First the open files, then the folders: what a copy is made of is seen before the copy.
      const bool all = !request_.once && clock_.steady_ms() >= look_at_ms_;
      if (all) LEAT_TRY(look(true));
      if (all || request_.once) LEAT_TRY(scan_if_due());
      LEAT_ASSIGN(auto chunk, next_chunk(Ending::open));
      if (!chunk && (request_.once ? !looked_ : !changed_.empty())) {
        looked_ = true;
        LEAT_TRY(look(request_.once));
        LEAT_ASSIGN(chunk, next_chunk(Ending::open));
      }
      update_backlog();
      if (chunk) return Reading{.what = Reading::What::chunk, .chunk = *std::move(chunk)};
      if (request_.once) return end_of_run();
      if (all && waited) return Reading{.what = Reading::What::idle, .chunk = {}};
      waited = true;
    }
  }

  void committed(const Positions& /*positions*/) override {}

  Result<std::optional<Position>> at_beginning(const Position& position, bool /*all*/) const override {
    LEAT_ASSIGN(const FileToken token, FileToken::parse(position.token));
    FileToken beginning;
    beginning.info = token.info;
    beginning.seen = token.head.length > 0 ? token.head : token.seen;
    return std::optional(Position{position.part, position.origin, 0, beginning.text()});
  }

  Result<std::string> cutter_state(const Position& position) const override {
    LEAT_ASSIGN(FileToken token, FileToken::parse(position.token));
    return std::move(token.cutter);
  }

  // The first scan of a run, without what follows it.
  Result<std::vector<PartOutline>> outline() override {
    std::vector<PartOutline> parts;
    LEAT_TRY(scan_if_due());
    for (const auto& each : families_) {
      for (const auto& generation : each->generations()) {
        LEAT_ASSIGN(PartOutline part, outline_of(*each, *generation));
        parts.push_back(std::move(part));
      }
      for (const std::string& trouble : each->troubles()) {
        parts.push_back({"", PartOutline::State::trouble, 0, 0, trouble, ""});
      }
    }
    for (const std::string& text : missing_) parts.push_back({"", PartOutline::State::trouble, 0, 0, text, ""});
    return parts;
  }

  [[nodiscard]] std::optional<uint64_t> backlog_bytes() const override {
    if (!backlog_known_) return std::nullopt;
    return backlog_.load();
  }

 private:
  LogFamily& family(const std::string& name) {
    const auto found =
        std::find_if(families_.begin(), families_.end(), [&](const auto& each) { return each->name() == name; });
    if (found != families_.end()) return **found;
    return *families_.emplace_back(std::make_unique<LogFamily>(name));
  }

  ScanContext context() {
    siblings_.forget();
    return {files_,
            siblings_,
            note_,
            request_.make_cutter,
            request_.once,
            clock_.steady_ms(),
            clock_.now_micros() * 1000,
            waiting_chunks_};
  }

  Result<PartOutline> outline_of(const LogFamily& family, const Generation& generation) {
    PartOutline part{generation.path(), PartOutline::State::finished, generation.offset(), generation.unread(), "",
                     generation.part()};
    if (generation.state() == Generation::State::open) {
      LEAT_ASSIGN(const bool copy, family.is_copy(generation, files_));
      part.state = copy                       ? PartOutline::State::copy
                   : generation.offset() == 0 ? PartOutline::State::fresh
                                              : PartOutline::State::begun;
    } else if (generation.state() == Generation::State::sought) {
      part.state = PartOutline::State::trouble;
      part.why = visible(generation.path()) + ": is not found; it is looked for again at the next run";
    }
    // Given up by this scan: its last position waits to be delivered.
    for (const Chunk& last : waiting_chunks_) {
      if (last.end.part != generation.part()) continue;
      part.state = PartOutline::State::gone;
      part.offset = last.start;
      part.left = last.gap_bytes;
    }
    return part;
  }

  // Finds the files of a path or glob; what keeps it from finding any goes to missing_.
  Status look_for(const std::string& pattern) {
    const bool wildcard = pattern.find_first_of("*?[") != std::string::npos;
    if (wildcard) {
      LEAT_ASSIGN(const auto paths, files_.glob(pattern));
      for (const std::string& path : paths) family(member_of(path).family).include(path, false);
      if (!paths.empty()) return {};
    }
    auto info = files_.info(pattern, os::Links::follow);  // also a name that only looks like a glob
    if (!info.ok()) {
      missing_.push_back(info.status().message());
    } else if (*info) {
      family(member_of(pattern).family).include(pattern, true);
    } else {
      missing_.push_back(visible(pattern) + (wildcard ? ": no file matches" : ": there is no such file"));
    }
    return {};
  }

  Status scan_if_due() {
    const uint64_t now = clock_.steady_ms();
    if (scanned_ && (request_.once || now < scanned_at_ms_ + kScanEveryMs)) return {};
    const bool first = !scanned_;
    missing_.clear();
    for (const std::string& pattern : options_.include) LEAT_TRY(look_for(pattern));
    if (first && !request_.once) {
      for (const std::string& text : missing_) note_(NoteLevel::warning, text + " yet; waiting for it");
    }
    const ScanContext all = context();
    for (const auto& each : families_) {
      if (Status scanned = each->scan(all); !scanned.ok()) {
        if (!request_.once || each->is_included()) return scanned;
        leave(scanned.message());
      }
      if (changes_) changes_->watch(std::string(directory_of(each->name())));
    }
    if (first) {
      std::stable_sort(families_.begin(), families_.end(),
                       [](const auto& a, const auto& b) { return a->oldest_mtime_ns() < b->oldest_mtime_ns(); });
    }
    scanned_ = true;
    scanned_at_ms_ = now;
    return {};
  }

  // Of a file that an earlier run has named: one that takes in others is not to fail for it.
  void leave(const std::string& trouble) {
    note_(NoteLevel::warning, trouble + "; this run does not name it, and goes on without it");
  }

  std::optional<Chunk> take_waiting() {
    std::optional<Chunk> chunk = std::move(waiting_chunks_.front());
    waiting_chunks_.pop_front();
    return chunk;
  }

  // The next chunk of the first family that has one, oldest generation first; then the next family has its turn.
  Result<std::optional<Chunk>> next_chunk(Ending ending) {
    if (!waiting_chunks_.empty()) return take_waiting();
    const ReadSizes sizes{options_.chunk_bytes, options_.max_record_bytes};
    for (size_t i = 0; i < families_.size(); ++i) {
      LogFamily& each = *families_[(turn_ + i) % families_.size()];
      for (size_t g = 0; g < each.generations().size(); ++g) {
        Generation& generation = *each.generations()[g];
        if (generation.state() != Generation::State::open) continue;
        if (generation.offset() == 0) {
          LEAT_ASSIGN(const bool copy, each.is_copy(generation, files_));
          if (copy) {
            note_(NoteLevel::info,
                  visible(generation.path()) + ": has the same bytes as a file that was read; skipped");
            if (auto last = generation.finish()) waiting_chunks_.push_back(*std::move(last));
            continue;
          }
        }
        auto chunk = generation.next_chunk(sizes, ending);
        if (!chunk.ok()) {
          const Kind kind = chunk.status().kind();
          if (kind != Kind::bad_config && kind != Kind::bad_data) return std::move(chunk).status();
          const bool broken = kind == Kind::bad_data;
          if (request_.once && !each.is_included()) {
            leave(chunk.status().message());
            continue;
          }
          if (!request_.once) {
            note_(NoteLevel::warning, chunk.status().message() +
                                          (broken ? "; nothing more is taken from it" : "; no rows are taken from it"));
          }
          (broken ? broken_ : refused_).push_back(chunk.status().message());
          continue;
        }
        if (*chunk) {
          turn_ = (turn_ + i) % families_.size();
          if (++taken_in_turn_ >= kChunksInATurn) {
            taken_in_turn_ = 0;
            turn_ = (turn_ + 1) % families_.size();
          }
          // Those that have to wait are known from now on, should they be truncated before it is their turn.
          each.take_first_sights(waiting_chunks_);
          waiting_chunks_.push_back(**std::move(chunk));
          return take_waiting();
        }
      }
    }
    return std::optional<Chunk>();
  }

  // Until all files are to be looked at again, or some of them have changed.
  void wait(const std::stop_token& stop) {
    const uint64_t now = clock_.steady_ms();
    if (now >= look_at_ms_) return;
    if (!changes_) {
      (void)clock_.wait_ms(look_at_ms_ - now, stop);
      return;
    }
    for (const std::string& path : changes_->wait_ms(look_at_ms_ - now, stop)) changed_.insert(member_of(path).family);
  }

  // At the end of everything that is known: has a file grown, shrunk, been renamed? Those of all families, or of those
  // that are told to have changed.
  Status look(bool all) {
    const uint64_t now = clock_.steady_ms();
    if (all) look_at_ms_ = now + options_.poll_ms;
    const std::set<std::string> changed = std::exchange(changed_, {});
    for (const auto& each : families_) {
      if (!all && changed.count(each->name()) == 0) continue;
      bool lost_one = false;
      for (size_t g = 0; g < each->generations().size(); ++g) {
        Generation& generation = *each->generations()[g];
        if (generation.state() != Generation::State::open && generation.state() != Generation::State::cut) continue;
        if (generation.state() == Generation::State::open) LEAT_TRY(generation.look(now));
        if (generation.state() == Generation::State::cut) {
          LEAT_TRY(each->was_cut(generation, context()));
          lost_one = true;
        } else if (generation.state() == Generation::State::sought) {
          lost_one = true;
        } else if (!generation.live() && generation.exhausted()) {
          LEAT_TRY(let_go_if_idle(generation, now));
        }
      }
      LEAT_ASSIGN(const bool renamed, each->live_path_changed(files_));
      if (lost_one || (renamed && !request_.once)) LEAT_TRY(each->scan(context()));
    }
    return {};
  }

  // A file that is not at the live path and got nothing new for a while is finished.
  Status let_go_if_idle(Generation& generation, uint64_t now) {
    const int64_t age_ns = clock_.now_micros() * 1000 - generation.info().mtime_ns;
    const bool old_file = age_ns > static_cast<int64_t>(options_.linger_ms) * 1'000'000;
    const bool idle = now >= generation.changed_at_ms() + options_.linger_ms || old_file;
    if (!idle) return {};
    for (;;) {
      LEAT_ASSIGN(auto rest, generation.next_chunk({options_.chunk_bytes, options_.max_record_bytes}, Ending::file));
      if (!rest) break;
      waiting_chunks_.push_back(*std::move(rest));
    }
    if (generation.state() != Generation::State::open) return {};
    if (auto last = generation.finish()) waiting_chunks_.push_back(*std::move(last));
    return {};
  }

  Result<Reading> end_of_run() {
    auto chunk = next_chunk(Ending::run);
    if (!chunk.ok()) return std::move(chunk).status();
    if (*chunk) return Reading{.what = Reading::What::chunk, .chunk = **std::move(chunk)};
    std::vector<std::string> troubles = missing_;
    for (const auto& each : families_) {
      troubles.insert(troubles.end(), each->troubles().begin(), each->troubles().end());
    }
    troubles.insert(troubles.end(), broken_.begin(), broken_.end());
    troubles.insert(troubles.end(), refused_.begin(), refused_.end());
    if (!refused_.empty()) return Status::bad_config(join(troubles, "\n"));
    if (!troubles.empty()) return Status::fatal(join(troubles, "\n"));
    return Reading{.what = Reading::What::end, .chunk = {}};
  }

  void update_backlog() {
    uint64_t bytes = 0;
    for (const auto& each : families_) {
      for (const auto& generation : each->generations()) bytes += generation->unread();
    }
    backlog_ = bytes;
    backlog_known_ = true;
  }

  static constexpr int kChunksInATurn = 64;

  FileOptions options_;
  os::LimitedFiles files_;
  Siblings siblings_{files_};
  os::Clock& clock_;
  Note note_;
  SourceRequest request_;
  std::vector<std::unique_ptr<LogFamily>> families_;
  size_t turn_ = 0;
  int taken_in_turn_ = 0;
  std::deque<Chunk> waiting_chunks_;
  std::vector<std::string> missing_;
  std::vector<std::string> refused_;  // why, file by file: no format fits
  std::vector<std::string> broken_;   // why: a document that is malformed or not closed
  bool scanned_ = false;
  bool looked_ = false;  // once: everything was looked at a second time, what comes later is for the next run
  uint64_t scanned_at_ms_ = 0;
  uint64_t look_at_ms_ = 0;                   // when all files are looked at again
  std::unique_ptr<os::FileChanges> changes_;  // null: no other looks than these
  std::set<std::string> changed_;             // families of which changes were told since
  std::atomic<uint64_t> backlog_ = 0;
  std::atomic<bool> backlog_known_ = false;
};

}  // namespace

std::unique_ptr<Source> make_file_source(FileOptions options, os::FileSystem& files, os::Clock& clock, Note note) {
  return std::make_unique<FileSource>(std::move(options), files, clock, std::move(note));
}

}  // namespace leat
