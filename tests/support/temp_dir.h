#pragma once

// A folder of a test's own, removed at its end; and files in it. One test.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace leat::testing {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "leat-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }
  [[nodiscard]] const std::string& root() const { return path_; }

  void write(std::string_view name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << bytes;
  }
  void append(std::string_view name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary | std::ios::app) << bytes;
  }
  // Until what is made from now on is younger than what is there, as the file system sees it.
  void tick() const {
    struct statx before {};
    struct statx now {};
    const auto look = [&](const char* name, struct statx& at) {
      write(name, "");
      if (::statx(AT_FDCWD, path(name).c_str(), 0, STATX_MTIME, &at) != 0) throw std::runtime_error("statx failed");
      remove(name);
    };
    look(".tick", before);
    do {
      look(".tick", now);
    } while (now.stx_mtime.tv_sec == before.stx_mtime.tv_sec && now.stx_mtime.tv_nsec == before.stx_mtime.tv_nsec);
  }
  void rename(std::string_view from, std::string_view to) const { std::filesystem::rename(path(from), path(to)); }
  void remove(std::string_view name) const { std::filesystem::remove(path(name)); }
  [[nodiscard]] std::string read(std::string_view name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

}  // namespace leat::testing
