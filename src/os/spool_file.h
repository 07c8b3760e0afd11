#pragma once

// A file that grows and whose end a journal elsewhere knows: opened again, it is cut back to that. Mode 0600. One
// thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat::os {

class SpoolFile {
 public:
  // The first `size` bytes of it stay; made when there is none and `size` is 0. fatal: it is shorter; bad_config: it
  // cannot be made or opened.
  static Result<std::unique_ptr<SpoolFile>> open(const std::string& path, uint64_t size);
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;
  ~SpoolFile();
  // Behind what is there. retry: the disk is full; fatal: it cannot be written.
  Status append(std::string_view bytes);
  // All of it is safe on the disk, and so is the name in its folder. retry, fatal: it is not known to be.
  Status sync();
  // Takes back what is behind `size`.
  Status cut(uint64_t size);
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  SpoolFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_;
  uint64_t size_ = 0;
  bool named_ = false;  // the folder was synced since it was opened
};

}  // namespace leat::os
