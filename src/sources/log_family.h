#pragma once

// The generations of one family and the search for their files: docs/formats/file-source.md. Owned by the file source;
// its thread only. After scan(), every generation that has a file is open, in order of age.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "flow/cutter.h"
#include "flow/note.h"
#include "os/file_system.h"
#include "sources/compressed_file.h"
#include "sources/file_family.h"
#include "sources/generation.h"

namespace leat {

constexpr uint64_t kSmallestCopy = 1024;  // bytes; shorter files may be equal by chance

// The files of folders by their family; a folder is listed once until forget().
class Siblings {
 public:
  explicit Siblings(os::FileSystem& files) : files_(files) {}
  void forget() { folders_.clear(); }
  // Paths. Borrowed until forget().
  Result<const std::vector<std::string>*> of(const std::string& family);

 private:
  os::FileSystem& files_;
  std::map<std::string, std::map<std::string, std::vector<std::string>, std::less<>>, std::less<>> folders_;
};

// What a scan needs besides the family itself.
struct ScanContext {
  os::FileSystem& files;
  Siblings& siblings;
  const Note& note;
  const MakeCutter& make_cutter;
  bool once = false;
  uint64_t now_ms = 0;  // os::Clock::steady_ms()
  int64_t now_ns = 0;   // os::Clock::now_micros() × 1000, to compare with times of last change
  // Takes chunks that carry no records but the last position of a generation that is over.
  std::deque<Chunk>& last_positions;
};

class LogFamily {
 public:
  explicit LogFamily(std::string name) : name_(std::move(name)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  // Oldest first.
  [[nodiscard]] const std::vector<std::unique_ptr<Generation>>& generations() const { return generations_; }
  void restored(std::unique_ptr<Generation> generation) { generations_.push_back(std::move(generation)); }
  void sort();  // after the last restored()
  // `named`: by its own name, not by a glob, so that what is no file is an error.
  void include(const std::string& path, bool named) { included_[path] |= named; }
  // This run names one of its files; else it is here because an earlier one did.
  [[nodiscard]] bool is_included() const { return !included_.empty(); }
  // Time of last change of its oldest included file; for reading the oldest family first.
  [[nodiscard]] int64_t oldest_mtime_ns() const { return oldest_mtime_ns_; }
  // Troubles of included files in the last scan: unreadable, not a file. One text a file.
  [[nodiscard]] const std::vector<std::string>& troubles() const { return troubles_; }

  // Looks for the files of all generations, and for new generations. retry: a sibling that may hold unread bytes cannot
  // be opened, or the directory cannot be listed.
  Status scan(const ScanContext& context);

  // True when the live path now names another file than the live generation's, or none.
  Result<bool> live_path_changed(os::FileSystem& files) const;

  // The positions of those of which nothing is delivered yet, as far as they are new (Generation::first_sight()).
  void take_first_sights(std::deque<Chunk>& chunks);

  // The file of `generation` was cut under it (Generation::State::cut): it is sought again, for its rest may be in a
  // copy, and the same file is read as a new generation from its beginning.
  Status was_cut(Generation& generation, const ScanContext& context);

  // True when a finished sibling already delivered exactly the bytes of `generation`, which has delivered none.
  Result<bool> is_copy(const Generation& generation, os::FileSystem& files) const;

 private:
  struct Candidate {
    std::string path;
    Member member;
    os::FileInfo info;
    std::unique_ptr<os::File> file;
    bool included = false;
    bool named = false;
    CompressedFile* compressed = nullptr;  // `file`, when it is one
    Generation* match = nullptr;
    bool faint = false;  // nothing but the inode told that it is `match`
  };

  // A path as list() found it; nothing: there was no file.
  struct Look {
    std::string path;
    os::Links links = os::Links::refuse;
    std::optional<os::FileInfo> found;
  };

  Result<std::vector<Candidate>> list(const ScanContext& context);
  // False: files were renamed while they were looked at, so that one of them may have been seen nowhere.
  Result<bool> is_settled(const std::vector<Candidate>& candidates, const ScanContext& context) const;
  Status settle(std::vector<Candidate> candidates, const ScanContext& context);
  Status open_unknown(std::vector<Candidate>& candidates, const ScanContext& context);
  Status identify(std::vector<Candidate>& candidates, const ScanContext& context);
  // False: not ready yet; it is looked at again when it has changed.
  Result<bool> is_ready(Candidate& candidate, const ScanContext& context);
  enum class Likeness : uint8_t { none, maybe_copy, copy };
  // Is a file of no generation a copy of a part of one? maybe_copy: it begins like one and is still being written.
  Result<Likeness> likeness(Candidate& candidate, const std::vector<Candidate>& candidates,
                            const ScanContext& context) const;
  Status attach_matches(std::vector<Candidate>& candidates, const ScanContext& context);
  Status add_new(std::vector<Candidate>& candidates, const ScanContext& context);
  void give_up_missing(const ScanContext& context);
  void give_up(Generation& generation, const ScanContext& context);
  Generation* find_known(const os::FileInfo& info) const;
  [[nodiscard]] bool has_history() const;
  [[nodiscard]] bool knows_others(const Generation& generation) const;
  Generation& append();
  void trouble(const std::string& text, const ScanContext& context);

  std::string name_;
  std::map<std::string, bool> included_;  // path → named
  std::vector<Look> looks_;               // of the scan at hand
  std::vector<std::unique_ptr<Generation>> generations_;
  std::vector<os::FileInfo> ignored_;    // siblings that are none of our business, as they were when looked at
  std::vector<os::FileInfo> not_ready_;  // compressed files that were incomplete, as they were when looked at
  std::vector<os::FileInfo>
      postponed_;                  // siblings that may be copies: not passed over because others became known first
  bool waiting_for_copy_ = false;  // the last scan saw a file that is still being written
  std::vector<std::string> troubles_;
  std::set<std::string> told_;
  int64_t oldest_mtime_ns_ = INT64_MAX;
};

}  // namespace leat
