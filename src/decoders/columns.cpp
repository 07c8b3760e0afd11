#include "decoders/columns.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace leat {

bool is_reserved_column(std::string_view name) {
  constexpr std::array<std::string_view, 4> kReserved{"_part", "_offset", "_row", "raw_log"};
  return std::any_of(kReserved.begin(), kReserved.end(),
                     [&](std::string_view reserved) { return equal_ignoring_case(name, reserved); });
}

std::vector<ColumnOption> column_options(const Settings& settings, std::string_view name) {
  std::vector<ColumnOption> columns;
  for (const auto& [column, said] : settings.columns(name)) {
    columns.push_back({column, said.text("path"), type_named(said.text("type")), said.place(""), said.place("path")});
  }
  return columns;
}

}  // namespace leat
