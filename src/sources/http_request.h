#pragma once

// What is asked for: the request of a page, and which other places a page may send us to. Pure functions; any thread.

#include <string>

#include "base/status.h"
#include "os/http_client.h"
#include "sources/http.h"
#include "sources/http_token.h"

namespace leat {

// The page that `token` stands at; without credentials of `auth`. `parent`: of children, whose it is; else null.
// bad_data: that has no value for a place.
Result<os::HttpRequest> page_request(const HttpOptions& options, const HttpToken& token, const ParentRow* parent);

// `request` to another place, a page's next URL or a redirect's target: fatal when that must not be asked. What is
// secret is taken out of it when it goes to another origin than that of `url`.
Status send_to(const HttpOptions& options, const std::string& url, os::HttpRequest& request);

// Requests to this URL may have credentials in them.
bool is_own_origin(const HttpOptions& options, std::string_view url);

}  // namespace leat
