#include "app/saved_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/text.h"
#include "config/toml.h"
#include "os/output_file.h"

namespace leat::app {

Status save_pipeline_file(const Value& root, const std::string& path) {
  LEAT_ASSIGN(const std::string text, write_toml(root));
  std::FILE* file = std::fopen(path.c_str(), "wxe");
  if (file == nullptr) {
    return Status::bad_config(errno == EEXIST
                                  ? fmt::format("{}: is there already; give --save another name", visible(path))
                                  : fmt::format("{}: cannot be written: {}", visible(path), std::strerror(errno)));
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) {
    return Status::fatal(fmt::format("{}: cannot be written: {}", visible(path), std::strerror(errno)));
  }
  return {};
}

void take_back_saved_file(const std::string& path, int status, Talk& talk) {
  if (status != 2 || path.empty() || !os::remove_file(path).ok()) return;
  talk.note(NoteLevel::info, "removed", "",
            fmt::format("{} is removed again, as that run cannot begin", visible(path)));
}

}  // namespace leat::app
