#include "os/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace leat::os {
namespace {

Status trouble(const std::string& path, const char* what, int error) {
  return Status::retry(visible(path) + ": cannot " + what + ": " + std::strerror(error));
}

int64_t nanoseconds(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

// errno is set when it fails.
std::optional<FileInfo> look_at(int directory, const char* path, int flags) {
  struct statx st {};
  if (::statx(directory, path, flags, STATX_BASIC_STATS | STATX_BTIME, &st) != 0) return std::nullopt;
  return FileInfo{.device = makedev(st.stx_dev_major, st.stx_dev_minor),
                  .inode = st.stx_ino,
                  .size = st.stx_size,
                  .stored_size = st.stx_size,
                  .mtime_ns = nanoseconds(st.stx_mtime),
                  .born_ns = (st.stx_mask & STATX_BTIME) != 0 ? nanoseconds(st.stx_btime) : 0,
                  .links = st.stx_nlink,
                  .regular = S_ISREG(st.stx_mode),
                  .directory = S_ISDIR(st.stx_mode)};
}

bool is_missing(int error) {
  return error == ENOENT || error == ENOTDIR;
}

class PosixFile final : public File {
 public:
  PosixFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~PosixFile() override { ::close(fd_); }

  Result<size_t> read_at(uint64_t offset, char* to, size_t size) override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n = ::pread(fd_, to + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0) {
        if (errno == EINTR) continue;
        return trouble(path_, "read", errno);
      }
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Result<FileInfo> info() override {
    const auto info = look_at(fd_, "", AT_EMPTY_PATH);
    if (!info) return trouble(path_, "look at", errno);
    return *info;
  }

 private:
  std::string path_;
  int fd_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Links links) override {
    int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    if (links == Links::refuse) flags |= O_NOFOLLOW;
    const int fd = ::open(path.c_str(), flags);
    if (fd < 0) {
      if (is_missing(errno)) return std::unique_ptr<File>();
      return trouble(path, "open", errno);
    }
    return std::unique_ptr<File>(std::make_unique<PosixFile>(path, fd));
  }

  Result<std::optional<FileInfo>> info(const std::string& path, Links links) override {
    auto info = look_at(AT_FDCWD, path.c_str(), links == Links::refuse ? AT_SYMLINK_NOFOLLOW : 0);
    if (!info && !is_missing(errno)) return trouble(path, "look at", errno);
    return info;
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::vector<std::string> names;
    DIR* dir = ::opendir(directory.c_str());
    if (dir == nullptr) {
      if (is_missing(errno)) return names;
      return trouble(directory, "list", errno);
    }
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(dir);  // NOLINT(concurrency-mt-unsafe): each stream is read by one thread
      if (entry == nullptr) break;
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    const int error = errno;
    ::closedir(dir);
    if (error != 0) return trouble(directory, "list", error);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::vector<std::string>> glob(const std::string& pattern) override {
    glob_t found{};
    const int outcome = ::glob(pattern.c_str(), 0, nullptr, &found);
    std::vector<std::string> paths;
    if (outcome == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    if (outcome == GLOB_NOSPACE) return Status::retry(visible(pattern) + ": out of memory");
    return paths;
  }

  std::unique_ptr<FileChanges> changes() override { return make_file_changes(); }
};

}  // namespace

FileSystem& file_system() {
  static PosixFileSystem files;
  return files;
}

Result<std::string> read_file(FileSystem& files, const std::string& path, size_t limit) {
  const std::string name = visible(path);
  auto opened = files.open(path, Links::follow);
  if (!opened.ok()) return Status::bad_config(opened.status().message());
  if (*opened == nullptr) return Status::bad_config(name + ": there is no such file");
  File& file = **opened;
  auto info = file.info();
  if (!info.ok()) return Status::bad_config(info.status().message());
  if (!info->regular) return Status::bad_config(name + ": is not a file");
  std::string bytes(std::min<uint64_t>(info->size, limit) + 1, '\0');
  auto size = file.read_at(0, bytes.data(), bytes.size());
  if (!size.ok()) return Status::bad_config(size.status().message());
  if (*size > limit) return Status::bad_config(name + ": is larger than " + human_bytes(limit));
  bytes.resize(*size);
  return bytes;
}

}  // namespace leat::os
