#pragma once

// Files that are written as a program writes its log, and what log rotation does to them. Any thread; an OutputFile
// belongs to one. Errors: bad_config when a file cannot be made or opened, fatal when it cannot be written; the message
// names the path.

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat::os {

class OutputFile {
 public:
  // Opens with O_APPEND, and makes the file (0644 and the umask) when there is none.
  static Result<std::unique_ptr<OutputFile>> append_to(const std::string& path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();
  // All of `bytes`, in one call of the system where it can be.
  Status write(std::string_view bytes);
  // To nothing; the next write() begins at offset 0.
  Status truncate();

 private:
  OutputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_;
};

Status rename_file(const std::string& from, const std::string& to);
// Never in the place of a file: false when there is one by now; `from` is gone in either case. Where a file system has
// no links it is rename_file().
Result<bool> rename_new_file(const std::string& from, const std::string& to);
Status remove_file(const std::string& path);
// What was written to it, by whomever, outlives a loss of power.
Status sync_file(const std::string& path);
// The names in it outlive a loss of power.
Status sync_directory(const std::string& path);
// With those above it, in a way that outlives a loss of power; nothing when it is there.
Status make_directory(const std::string& path);
// The file has the old content or the new one at any moment, also when this process is killed.
Status replace_file(const std::string& path, std::string_view content);

}  // namespace leat::os
