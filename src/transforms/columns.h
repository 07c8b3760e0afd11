#pragma once

// rename and drop: other names, and fewer columns; no cell is touched.

#include <vector>

#include "flow/transform.h"
#include "transforms/blame.h"

namespace leat {

// `columns`: OLD = NEW; all at once, so that two may change their names.
std::unique_ptr<Transform> make_rename(std::vector<Entry> columns, Blame blame);

// `columns`: names, each a text.
std::unique_ptr<Transform> make_drop(std::vector<Value> columns, Blame blame);

}  // namespace leat
