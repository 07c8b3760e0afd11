#pragma once

// Which names a column cannot have. Pure function; any thread.

#include <string_view>

namespace leat {

// Whether tables keep this name for themselves, or leat in them: _part, _offset, _row, _revision, raw_log, _leat_…;
// upper and lower case are the same.
bool is_reserved_column(std::string_view name);

}  // namespace leat
