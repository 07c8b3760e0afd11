#pragma once

// A log as a web server and its rotation write it, and the journal of what was written and truncated. What happens, and
// after which line, depends on the settings and the seed alone; when it happens, on the caller. One thread.
//
//   rename        as logrotate's `create` with nginx: the old files are renamed (with `compress`, the newest of them is
//                 gzipped later, or with `delaycompress` before the next rotation), an empty file is made, and the
//                 server writes on to the renamed one for a moment until it opens the new one
//   copytruncate  the log is copied while the server writes to it; a moment later it is truncated: what was written in
//                 between is in no file
//   truncate      to nothing, in place
//   alternate     two files in turn; the one that is begun is truncated first

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/web_log_lines.h"
#include "base/gzip_stream.h"
#include "base/sha256.h"
#include "base/status.h"
#include "os/clock.h"
#include "os/file_system.h"
#include "os/output_file.h"

namespace leat::app {

enum class RotationKind : uint8_t { none, rename, copytruncate, truncate, alternate };

struct WrittenLogSettings {
  std::string directory;
  RotationKind rotation = RotationKind::none;
  uint64_t every = 1000;  // lines a file
  bool dateext = false;
  bool compress = false;
  bool delaycompress = false;
  uint64_t keep = 0;  // rotated files; 0: all
  std::string copy;   // also gets every line; empty: none
  uint64_t seed = 1;
  bool in_pieces = false;  // writes may end within a line, until the next one
};

class WrittenLog {
 public:
  // bad_config: the folder or a file in it cannot be made, or there is a log already.
  static Result<std::unique_ptr<WrittenLog>> make(WrittenLogSettings settings, os::Clock& clock);
  WrittenLog(const WrittenLog&) = delete;
  WrittenLog& operator=(const WrittenLog&) = delete;
  ~WrittenLog();

  // Does what is due, and says how many lines may be written until the next thing is: at least 1.
  Result<uint64_t> room();
  // `lines` whole lines, at most room(). `log_clock`: time of the last of them, for the names of `dateext`.
  Status write(std::string_view text, uint64_t lines, int64_t log_clock);
  // Every second, and soon after a truncation; no oftener than its length allows.
  Status save_journal_if_due();
  // The last line is whole, a compression that had begun is ended, the journal says so.
  Status end();

  [[nodiscard]] uint64_t lines() const { return lines_; }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  [[nodiscard]] uint64_t rotations() const { return rotations_; }
  [[nodiscard]] const std::string& live_path() const { return live_; }

 private:
  enum class Step : uint8_t { writing, compressing_before, late, copying, copied, compressing };
  struct Rotated {
    std::string suffix;  // of `dateext`; otherwise its place in rotated_ is its name
    bool compressed = false;
  };
  // What stands in a file that is going to be truncated.
  struct Life {
    struct Stretch {
      uint64_t first_line = 0;
      uint64_t last_line = 0;
      int64_t from = 0;  // microseconds since 1970
      int64_t to = 0;
    };
    uint64_t bytes = 0;
    std::vector<Stretch> stretches;
    uint64_t copied_lines = 0;
  };

  WrittenLog(WrittenLogSettings settings, os::Clock& clock);
  Status open();
  Status flush();
  Status go_on();
  Status rotate();
  Status shift();
  Status alternate();
  Status copy_some();
  Status truncate(const std::string& path, os::OutputFile& file, Life& life);
  Status compress(Step step);
  Status compress_some();
  void wait(Step step, uint64_t lines);
  [[nodiscard]] bool truncates() const;
  [[nodiscard]] std::string path_of(size_t index) const;
  [[nodiscard]] static std::string present(const std::string& path, const Life& life);
  Status save_journal(bool ended);

  const WrittenLogSettings settings_;
  os::Clock& clock_;
  Random random_;
  std::string live_;
  std::string other_path_;  // of alternate: the file that is not written to
  std::unique_ptr<os::OutputFile> log_;
  std::unique_ptr<os::OutputFile> other_;
  std::unique_ptr<os::OutputFile> copy_;
  std::string held_;  // the end of a line whose beginning is written

  Step step_ = Step::writing;
  uint64_t until_next_ = 0;
  uint64_t since_rotation_ = 0;  // lines
  std::deque<Rotated> rotated_;  // newest first
  int64_t last_suffix_ = 0;
  // What is copied or compressed now, and what it becomes.
  std::unique_ptr<os::File> source_;
  uint64_t source_offset_ = 0;
  uint64_t slice_bytes_ = 0;
  std::unique_ptr<os::OutputFile> target_;
  std::unique_ptr<GzipStream> gzip_;

  uint64_t lines_ = 0;
  uint64_t bytes_ = 0;
  uint64_t rotations_ = 0;
  int64_t log_clock_ = 0;
  Sha256 sha_;
  Life life_;
  Life other_life_;
  std::string truncated_;  // entries of the journal
  bool truncated_since_save_ = false;
  uint64_t saved_at_ms_ = 0;
  uint64_t saving_took_ms_ = 0;
};

}  // namespace leat::app
