#include "data/column_names.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace leat {

bool is_reserved_column(std::string_view name) {
  constexpr std::array<std::string_view, 5> kReserved{"_part", "_offset", "_row", "_revision", "raw_log"};
  constexpr std::string_view kPrefix = "_leat_";
  return equal_ignoring_case(name.substr(0, kPrefix.size()), kPrefix) ||
         std::any_of(kReserved.begin(), kReserved.end(),
                     [&](std::string_view reserved) { return equal_ignoring_case(name, reserved); });
}

}  // namespace leat
