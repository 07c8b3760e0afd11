#pragma once

// What is secret, taken out of what people may see: messages, logs, positions. Pure functions; any thread.

#include <span>
#include <string>
#include <string_view>

namespace leat {

// A query parameter or a header of this name holds a secret: token, key, secret, password, sig, access_token, api_key,
// Authorization, Cookie and the like, in upper or lower case, with '-' for '_'.
bool is_secret_name(std::string_view name);

// `text` with *** in place of each of `secrets`, wherever it stands: as it is, percent-encoded (also in part), or with
// '+' for a space. Those shorter than 4 bytes are not looked for: they stand everywhere.
std::string redacted(std::string_view text, std::span<const std::string> secrets);

// `url` with *** in place of its user and password, of the values of parameters that are named like secrets, and of
// each of `secrets`. Anything else stays as it is; what is no URL is treated as if it were a path.
std::string shown_url(std::string_view url, std::span<const std::string> secrets = {});

// A line of a configuration with '*' for each character of what is secret in it: passwords of URLs, and texts in quotes
// behind names that say so (password = "…"), but not ${…}, which only says where a secret is. As many characters.
std::string shown_line(std::string_view line);

}  // namespace leat
