#pragma once

// Telling a service manager how this process is: systemd's sd_notify protocol, a datagram to the socket that the
// environment variable NOTIFY_SOCKET names. Any thread.

#include <string>
#include <string_view>

namespace leat::os {

// `socket`: a path, or '@' and an abstract name; empty: nobody asks. `state`: "READY=1", "STOPPING=1", lines of
// NAME=VALUE. Best effort and never waiting; false: it was not sent.
bool notify_service(const std::string& socket, std::string_view state);

}  // namespace leat::os
