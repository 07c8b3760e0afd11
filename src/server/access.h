#pragma once

// Who may ask, and in what form the answer is wanted: rules over the headers of a request. Pure functions; any thread.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"
#include "server/row_text.h"

namespace leat {

// `Host` without its port: "[::1]:8080" is "::1".
std::string_view host_name(std::string_view host);

// True when `Host` names this machine (localhost, the address that the connection came to) or one of `hosts`: a page of
// another site whose name was made to point here (DNS rebinding) does not.
bool is_host_allowed(const HttpRequest& request, const std::vector<std::string>& hosts);

// True when `Origin` is absent, the server's own, or one of `origins`.
bool is_origin_allowed(const HttpRequest& request, const std::vector<std::string>& origins);

// `Authorization: Bearer TOKEN`; takes the same time for every wrong one of a length.
bool has_token(const HttpRequest& request, std::string_view token);

// The format that `Accept` prefers; JSON without one, and for browsers. Nothing: it wants none of them.
std::optional<RowFormat> accepted_format(std::string_view accept);

bool accepts_gzip(std::string_view accept_encoding);

// `If-None-Match` names `etag` (with its quotes).
bool names_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace leat
