#pragma once

// Waiting for a socket of a library that leaves the waiting to its user. Any thread.

#include <cstdint>

namespace leat::os {

enum class SocketWait : uint8_t { read, write };

// Until `socket` can be read or written, or has failed. False: `ms` were over before.
bool wait_for_socket(int socket, SocketWait what, uint64_t ms);

}  // namespace leat::os
