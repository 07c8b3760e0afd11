#pragma once

// Whether a text is one JSON value (RFC 8259), without making anything of it. Pure function; any thread.

#include <cstddef>
#include <string_view>

namespace leat {

struct JsonCheck {
  bool ok = false;
  size_t at = 0;              // of the first byte that does not fit
  std::string_view expected;  // there: "','", "a value", "fewer brackets"
};

// Valid UTF-8, at most 1,000 brackets deep.
JsonCheck check_json(std::string_view text);

}  // namespace leat
