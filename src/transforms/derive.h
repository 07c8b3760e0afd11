#pragma once

// derive: columns are added, each with the value of an expression over the columns before.

#include <vector>

#include "flow/transform.h"
#include "transforms/blame.h"

namespace leat {

struct DeriveOptions {
  std::vector<Entry> columns;  // NAME = expression
  std::string timezone = "UTC";
};

std::unique_ptr<Transform> make_derive(DeriveOptions options, Blame blame);

}  // namespace leat
