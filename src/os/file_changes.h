#pragma once

// Says at once that files have changed, for a reader that otherwise looks at them now and then. It is a hint: changes
// on network file systems, in folders that came later or beyond the system's limits are not told, and are found by
// looking. One thread.

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace leat::os {

class FileChanges {
 public:
  FileChanges() = default;
  FileChanges(const FileChanges&) = delete;
  FileChanges& operator=(const FileChanges&) = delete;
  virtual ~FileChanges() = default;
  // From now on, what is written, made, renamed or removed in this folder is told. Can be said again: a folder that was
  // replaced is told of anew.
  virtual void watch(const std::string& directory) = 0;
  // Waits until something has changed, `ms` are over, or a stop. The paths, `DIRECTORY/NAME`; some may be there twice.
  // A file that is written to all the time is told of about a hundred times a second.
  virtual std::vector<std::string> wait_ms(uint64_t ms, const std::stop_token& stop) = 0;
};

// Null where the system has no more of them.
std::unique_ptr<FileChanges> make_file_changes();

}  // namespace leat::os
