#include "os/spool_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace leat::os {
namespace {

Status trouble(const std::string& path, const char* what, int error) {
  std::string text = fmt::format("{}: cannot {}: {}", visible(path), what, std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return Status::retry(text + "; free space, leat goes on by itself");
  return Status::fatal(std::move(text));
}

}  // namespace

Result<std::unique_ptr<SpoolFile>> SpoolFile::open(const std::string& path, uint64_t size) {
  const int create = size == 0 ? O_CREAT : 0;
  const int fd = ::open(path.c_str(), O_WRONLY | create | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 && (size == 0 || errno != ENOENT)) return Status::bad_config(trouble(path, "open it", errno).message());
  std::unique_ptr<SpoolFile> file(new SpoolFile(path, fd));
  struct stat info {};
  if (fd >= 0 && ::fstat(fd, &info) != 0) return trouble(path, "look at it", errno);
  const auto there = fd < 0 ? 0 : static_cast<uint64_t>(info.st_size);
  if (there < size) {
    return Status::fatal(
        fmt::format("{}: has {} bytes, where {} were written and synced: rows are lost that were taken from their "
                    "source; put the file back, or go back with `leat state rewind`",
                    visible(path), there, size));
  }
  LEAT_TRY(file->cut(size));
  return file;
}

SpoolFile::~SpoolFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status SpoolFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return trouble(path_, "write", errno);
    bytes.remove_prefix(static_cast<size_t>(n));
    size_ += static_cast<uint64_t>(n);
  }
  return {};
}

Status SpoolFile::sync() {
  if (::fdatasync(fd_) != 0) return trouble(path_, "sync", errno);
  if (named_) return {};
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!synced) return trouble(folder, "sync this folder", error);
  named_ = true;
  return {};
}

Status SpoolFile::cut(uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return trouble(path_, "cut it", errno);
  size_ = size;
  return {};
}

}  // namespace leat::os
