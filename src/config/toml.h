#pragma once

// TOML 1.0 to and from a tree of values. Pure functions; any thread.

#include <string>
#include <string_view>

#include "base/status.h"
#include "config/complaints.h"
#include "config/value.h"

namespace leat {

// The whole document as a table. A syntax error is complained of (the first one only: the parser stops there) and
// gives an empty table.
Value parse_toml(std::string_view text, Complaints& complaints);

// A table of tables of values as a document: a section for each ([sources.web]), values aligned, "${" in texts as
// "$${".
// bad_config: a text is not UTF-8 and cannot be written.
Result<std::string> write_toml(const Value& root);

}  // namespace leat
