#include "db/database_path.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "os/file_system.h"

namespace leat {

Result<bool> check_database_path(const std::string& path, bool read_only) {
  const std::string where = visible(path);
  os::FileSystem& files = os::file_system();
  LEAT_ASSIGN(const std::optional<os::FileInfo> info, files.info(path, os::Links::follow));
  if (info && info->directory) return Status::bad_config(fmt::format("{}: is a folder; name a file in it", where));
  if (info && !info->regular) {
    return Status::bad_config(fmt::format("{}: is not a regular file; name another one", where));
  }
  if (info) return true;
  if (read_only) {
    return Status::bad_config(fmt::format("{}: no such file; name a database that leat has made", where));
  }
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return false;
  const std::string folder = path.substr(0, slash);
  LEAT_ASSIGN(const std::optional<os::FileInfo> parent, files.info(folder, os::Links::follow));
  if (parent && parent->directory) return false;
  return Status::bad_config(fmt::format("{}: there is no folder {}; make it first", where, quoted(folder)));
}

}  // namespace leat
