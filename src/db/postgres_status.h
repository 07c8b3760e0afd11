#pragma once

// What a failure of PostgreSQL means for leat (PostgreSQL's documentation, appendix A). Pure; any thread.

#include <string>
#include <string_view>

#include "base/status.h"

namespace leat {

// `state`: SQLSTATE, empty when the server has said none; `text`: the server's own words; `detail` likewise, may be
// empty.
Status postgres_status(std::string_view state, const std::string& where, std::string_view text,
                       std::string_view detail);

}  // namespace leat
