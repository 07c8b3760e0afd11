#include "app/site_rule.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "decoders/site.h"

namespace leat::app {
namespace {

// True when these paths and globs can match more than one log, each with its rotated siblings: docs/configuration.md.
bool names_several_logs(const std::vector<std::string>& include) {
  constexpr std::string_view kEndings[] = {".log", "_log", ".txt", ".json", ".csv", ".out"};
  std::set<std::string_view> logs;
  for (const std::string_view path : include) {
    const size_t wildcard = path.find_first_of("*?[");
    if (wildcard == std::string_view::npos) {
      logs.insert(live_path_of(path));
      continue;
    }
    std::string_view base = path.substr(0, wildcard);
    if (base.ends_with('.') || base.ends_with('-')) base.remove_suffix(1);
    const bool one = std::any_of(std::begin(kEndings), std::end(kEndings),
                                 [&](std::string_view ending) { return base.ends_with(ending); });
    if (!one || path.find('/', wildcard) != std::string_view::npos) return true;
    logs.insert(base);
  }
  return logs.size() > 1;
}

}  // namespace

std::optional<std::string> site_rule(const std::string& option, const std::vector<std::string>& include) {
  if (option == "none" || option.empty()) return std::nullopt;
  if (option == "auto") return names_several_logs(include) ? std::optional<std::string>("") : std::nullopt;
  return option == "file" ? "" : option;
}

}  // namespace leat::app
