#include "decoders/columns.h"

#include <fmt/format.h>

#include "base/text.h"
#include "data/column_names.h"
namespace leat {

std::string column_name_for(std::string name, const std::function<bool(const std::string&)>& taken) {
  if (is_reserved_column(name + "_2")) name.erase(0, 1);  // all that begin so are
  const std::string first = name;
  for (int n = 2; is_reserved_column(name) || taken(name); ++n) name = fmt::format("{}_{}", first, n);
  return name;
}

Status filled_from_another_format(std::string_view format, std::string_view saved) {
  return Status::bad_config(
      fmt::format("the table was filled from another format than {} (it keeps {}); fill another one (--table; in a "
                  "pipeline file a pipeline of its own), or name the columns",
                  format, quoted(saved, 40)));
}

std::vector<ColumnOption> column_options(const Settings& settings, std::string_view name) {
  std::vector<ColumnOption> columns;
  for (const auto& [column, said] : settings.columns(name)) {
    columns.push_back({column, said.text("path"), type_named(said.text("type")), said.place(""), said.place("path")});
  }
  return columns;
}

}  // namespace leat
