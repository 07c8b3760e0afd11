#include "decoders/columns.h"

namespace leat {

std::vector<ColumnOption> column_options(const Settings& settings, std::string_view name) {
  std::vector<ColumnOption> columns;
  for (const auto& [column, said] : settings.columns(name)) {
    columns.push_back({column, said.text("path"), type_named(said.text("type")), said.place(""), said.place("path")});
  }
  return columns;
}

}  // namespace leat
