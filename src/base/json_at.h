#pragma once

// One value out of a small JSON document, such as the answer to a login. Pure; any thread.

#include <optional>
#include <string>
#include <string_view>

namespace leat {

bool is_json_pointer(std::string_view text);

// The value at `pointer` (RFC 6901) as text: a string, a number, true or false. Nothing: the document is not JSON, or
// has something else there, or nothing.
std::optional<std::string> json_text_at(std::string_view document, std::string_view pointer);

}  // namespace leat
