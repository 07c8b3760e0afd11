#pragma once

// A service manager's end of the sd_notify protocol, for tests. One thread.

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace leat::testing {

class NotifySocket {
 public:
  // `name`: a path, or '@' and an abstract name.
  explicit NotifySocket(const std::string& name) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path);
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    bound_ = bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length) == 0;
    const timeval longest{.tv_sec = 60, .tv_usec = 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  ~NotifySocket() { close(descriptor_); }

  [[nodiscard]] bool bound() const { return bound_; }
  // The next message; "" when none has come for a minute.
  [[nodiscard]] std::string receive() const {
    char buffer[4096];
    const ssize_t got = recv(descriptor_, buffer, sizeof buffer, 0);
    return got < 0 ? "" : std::string(buffer, static_cast<size_t>(got));
  }

 private:
  int descriptor_;
  bool bound_ = false;
};

}  // namespace leat::testing
