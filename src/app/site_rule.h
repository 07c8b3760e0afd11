#pragma once

// What the option `site` of a source means (docs/formats/log-format.md, "The column site"). Pure function; any thread.

#include <optional>
#include <string>
#include <vector>

namespace leat::app {

// Of the column `site`: its text, empty for the file's name; nothing: there is no such column. `include`: the paths and
// globs that are read.
std::optional<std::string> site_rule(const std::string& option, const std::vector<std::string>& include);

}  // namespace leat::app
