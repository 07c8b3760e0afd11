#include "os/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/text.h"

namespace leat::os {
namespace {

std::string trouble(const std::string& path, const char* what, int error) {
  return visible(path) + ": cannot " + what + ": " + std::strerror(error);
}

}  // namespace

Result<std::unique_ptr<OutputFile>> OutputFile::append_to(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
  if (fd < 0) return Status::bad_config(trouble(path, "open it for writing", errno));
  return std::unique_ptr<OutputFile>(new OutputFile(path, fd));
}

OutputFile::~OutputFile() {
  ::close(fd_);
}

Status OutputFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return Status::fatal(trouble(path_, "write", errno));
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Status OutputFile::truncate() {
  if (::ftruncate(fd_, 0) != 0) return Status::fatal(trouble(path_, "truncate", errno));
  return {};
}

Status sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Status::fatal(trouble(path, "open this folder", errno));
  const int outcome = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (outcome != 0) return Status::fatal(trouble(path, "sync this folder", error));
  return {};
}

Status rename_file(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    return Status::fatal(trouble(from, "rename it", errno) + " (to " + visible(to) + ")");
  }
  return {};
}

Result<bool> rename_new_file(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) {
    LEAT_TRY(remove_file(from));
    return true;
  }
  if (errno == EEXIST) {
    LEAT_TRY(remove_file(from));
    return false;
  }
  LEAT_TRY(rename_file(from, to));
  return true;
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return Status::fatal(trouble(path, "remove", errno));
  return {};
}

Status sync_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  return synced ? Status() : Status::retry(trouble(path, "sync", error));
}

Status make_directory(const std::string& path) {
  std::error_code error;
  std::vector<std::filesystem::path> missing;
  for (std::filesystem::path at = path; !at.empty() && !std::filesystem::exists(at, error); at = at.parent_path()) {
    missing.push_back(at);
  }
  std::filesystem::create_directories(path, error);
  if (error) return Status::bad_config(visible(path) + ": cannot make this folder: " + error.message());
  for (const std::filesystem::path& made : missing) {
    const std::string above = made.parent_path().string();
    LEAT_TRY(sync_directory(above.empty() ? "." : above));
  }
  return {};
}

Status replace_file(const std::string& path, std::string_view content) {
  const std::string part = path + ".part";
  std::error_code ignored;
  std::filesystem::remove(part, ignored);  // of a process that was killed
  LEAT_ASSIGN(const auto file, OutputFile::append_to(part));
  LEAT_TRY(file->write(content));
  return rename_file(part, path);
}

}  // namespace leat::os
