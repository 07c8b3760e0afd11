#pragma once

// URLs as text: references resolved, query parameters put in, origins compared (RFC 3986). A URL here is absolute and
// http or https, without a fragment. Pure functions; any thread.

#include <optional>
#include <string>
#include <string_view>

#include "base/percent.h"  // what names and values of a query are written in
#include "base/status.h"

namespace leat {

// "https://api.example.com:443", in lower case, the port always there; empty: it is not such a URL, or it has a user or
// a password in it.
std::string origin_of(std::string_view url);

// What `reference`, absolute or relative, names on the page `base` (RFC 3986 §5.2), without its fragment; spaces around
// it are no part of it. bad_data: it is not http or https, has a user in it, or holds control characters or spaces.
Result<std::string> resolve_url(std::string_view base, std::string_view reference);

// `url` with the query parameter `name` = `value`, both plain text: in the place where it is, else as the last one.
std::string with_parameter(std::string_view url, std::string_view name, std::string_view value);
// The value of the query parameter `name`, decoded; nothing: there is none.
std::optional<std::string> parameter_of(std::string_view url, std::string_view name);

}  // namespace leat
