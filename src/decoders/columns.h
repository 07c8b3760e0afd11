#pragma once

// What configuration says of the columns of a format (OptionType::columns). Plain values; any thread.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "data/schema.h"

namespace leat {

struct ColumnOption {
  std::string name;
  std::string path;          // as written; "" also when there is none
  std::optional<Type> type;  // as declared
  Place at;                  // of the name
  Place path_at;             // of the path; that of the name when there is none
};

// Whether a table, or leat in it, keeps this name for itself; upper and lower case are the same.
bool is_reserved_column(std::string_view name);

// Of the option `name`, whose inner options may be `path` and `type`; in written order.
std::vector<ColumnOption> column_options(const Settings& settings, std::string_view name);

}  // namespace leat
