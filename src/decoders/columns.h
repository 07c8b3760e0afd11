#pragma once

// What configuration says of the columns of a format (OptionType::columns). Plain values; any thread.

#include <functional>
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

// What a column is called that the data call `name`: so, or, where tables keep that for themselves or `taken` says that
// another one has it, with _2, _3 … at its end. _leat_x is called leat_x.
std::string column_name_for(std::string name, const std::function<bool(const std::string&)>& taken);

// bad_config: `saved`, what a table keeps of its inferred columns, is not of `format`.
Status filled_from_another_format(std::string_view format, std::string_view saved);

// Of the option `name`, whose inner options may be `path` and `type`; in written order.
std::vector<ColumnOption> column_options(const Settings& settings, std::string_view name);

}  // namespace leat
