#include "os/socket_wait.h"

#include <poll.h>

#include <cerrno>

#include "os/clock.h"

namespace leat::os {

bool wait_for_socket(int socket, SocketWait what, uint64_t ms) {
  const uint64_t end = clock().steady_ms() + ms;
  for (;;) {
    const uint64_t now = clock().steady_ms();
    pollfd one{socket, static_cast<int16_t>(what == SocketWait::read ? POLLIN : POLLOUT), 0};
    const int ready = ::poll(&one, 1, now < end ? static_cast<int>(end - now) : 0);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace leat::os
