#pragma once

// The files of the machine, behind small classes so that tests can put fakes and faults in their place.
// Any thread may use a FileSystem; a File belongs to one thread.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "os/file_changes.h"

namespace leat::os {

struct FileInfo {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  uint64_t stored_size = 0;  // as it is on disk: not `size` for a file that is shown uncompressed
  int64_t mtime_ns = 0;
  int64_t born_ns = 0;  // when it was made; 0: the file system does not say
  uint64_t links = 1;   // 0: unlinked while open
  bool regular = false;
  bool directory = false;
  // Not another one that got its inode when it was gone.
  [[nodiscard]] bool is_same_file(const FileInfo& other) const {
    return device == other.device && inode == other.inode &&
           (born_ns == other.born_ns || born_ns == 0 || other.born_ns == 0);
  }
  friend bool operator==(const FileInfo&, const FileInfo&) = default;
};

class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;
  // Up to `size` bytes at `offset`; fewer only at the end of the file. Interrupted and short reads are continued.
  virtual Result<size_t> read_at(uint64_t offset, char* to, size_t size) = 0;
  virtual Result<FileInfo> info() = 0;
};

enum class Links : uint8_t { follow, refuse };

class FileSystem {
 public:
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem() = default;

  // Opens for reading without blocking (O_NONBLOCK: a FIFO cannot hold us). A null pointer: there is no such file.
  // Kind::retry: it is there, but cannot be opened (permission); the message says why.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Links links) = 0;
  // Nothing: there is no such file.
  virtual Result<std::optional<FileInfo>> info(const std::string& path, Links links) = 0;
  // Names in `directory`, without "." and "..", sorted; empty when it does not exist.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  // Paths that match a glob (glob(7)), sorted; a pattern without wildcards matches itself if it exists.
  virtual Result<std::vector<std::string>> glob(const std::string& pattern) = 0;
  // Null: changes are not told here, and are found by looking.
  virtual std::unique_ptr<FileChanges> changes() { return nullptr; }
};

// The real one; lives as long as the program.
FileSystem& file_system();

// The whole file, at most `limit` bytes. bad_config: missing, unreadable or larger; the message names the path.
Result<std::string> read_file(FileSystem& files, const std::string& path, size_t limit);

}  // namespace leat::os
