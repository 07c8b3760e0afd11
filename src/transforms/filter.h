#pragma once

// filter: rows of which a condition is not true (false or NULL) are dropped, and counted as filtered.

#include "flow/transform.h"
#include "transforms/blame.h"

namespace leat {

struct FilterOptions {
  Value where;  // the condition
  std::string timezone = "UTC";
};

std::unique_ptr<Transform> make_filter(FilterOptions options, Blame blame);

}  // namespace leat
