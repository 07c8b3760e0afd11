#pragma once

// Parts of the addresses that a web server logs. Pure functions; any thread.

#include <string_view>

namespace leat {

// The part of a request's target before the first '?' or '#'; of an absolute one (http://host/x) from the '/' after
// the host on. A view into `target`.
std::string_view path_of(std::string_view target);

// The site that a Referer names: the host of SCHEME://HOST…, without "www.", user, port and a dot at its end; IPv6
// stays in its brackets. Empty: it names none. A view into `referer`; letters are as they stand there.
std::string_view site_of_referer(std::string_view referer);

}  // namespace leat
