#include "os/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace leat::os {

Status make_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    const int error = errno;
    if (error == EEXIST) return {};
    const std::string text = fmt::format("{}: cannot be made ({})", visible(path), std::strerror(error));
    if (error == ENOSPC || error == EDQUOT) return Status::retry(text + "; free space, leat goes on by itself");
    return Status::bad_config(text + "; change the permissions of its folder, or name another file");
  }
  ::close(file);
  return {};
}

void make_files_private() {
  ::umask(0077);
}

}  // namespace leat::os
