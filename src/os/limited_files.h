#pragma once

// A FileSystem of which no more than so many files are open at a time: the one that was not used for longest is closed,
// and opened again when it is read. A file is only closed while its path still leads to it. One thread; outlives its
// files.

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "os/file_system.h"

namespace leat::os {

// How many files this process may have open.
size_t open_file_limit();

class LimitedFiles final : public FileSystem {
 public:
  LimitedFiles(FileSystem& files, size_t most_open) : files_(files), most_open_(most_open) {}

  // Of a file that was closed and renamed since, info() is that of whatever is at its path now (inode 0: nothing), and
  // read_at() is Kind::retry: it has to be found and opened anew.
  Result<std::unique_ptr<File>> open(const std::string& path, Links links) override;
  Result<std::optional<FileInfo>> info(const std::string& path, Links links) override {
    return files_.info(path, links);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override { return files_.list(directory); }
  Result<std::vector<std::string>> glob(const std::string& pattern) override { return files_.glob(pattern); }
  std::unique_ptr<FileChanges> changes() override { return files_.changes(); }

 private:
  class LimitedFile;
  Status make_room();

  FileSystem& files_;
  size_t most_open_;
  std::list<LimitedFile*> open_;  // the last used one first
};

}  // namespace leat::os
