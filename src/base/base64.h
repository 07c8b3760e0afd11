#pragma once

// Bytes as text that goes anywhere (RFC 4648). Pure functions; any thread.

#include <optional>
#include <string>
#include <string_view>

namespace leat {

std::string base64(std::string_view bytes);
// What base64() made of it; nothing: it is not that.
std::optional<std::string> from_base64(std::string_view text);
// For URLs and file names ('-' and '_'), without '=' at the end: as JSON Web Tokens have it.
std::string base64url(std::string_view bytes);

}  // namespace leat
