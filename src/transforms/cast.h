#pragma once

// cast: columns get another type. A value that does not fit makes its row a reject.

#include <vector>

#include "flow/transform.h"
#include "transforms/blame.h"

namespace leat {

// The types that a column can be cast to: those of CAST.
std::vector<std::string_view> cast_types();

// `columns`: NAME = type, one of cast_types().
std::unique_ptr<Transform> make_cast_transform(std::vector<Entry> columns, Blame blame);

}  // namespace leat
