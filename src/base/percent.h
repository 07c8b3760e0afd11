#pragma once

// Text in URLs and forms (RFC 3986 §2.1). Pure functions; any thread.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leat {

// All but letters, digits, '-', '.', '_' and '~' as %XX.
std::string percent_encoded(std::string_view text);
// The inverse; a '%' that two hexadecimal digits do not follow stays.
std::string percent_decoded(std::string_view text);
// application/x-www-form-urlencoded: NAME=VALUE&…
std::string form_encoded(const std::vector<std::pair<std::string, std::string>>& params);

}  // namespace leat
