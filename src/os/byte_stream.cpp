#include "os/byte_stream.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <system_error>

namespace leat::os {
namespace {

class StandardInput final : public ByteStream {
 public:
  Result<Read> read(char* to, size_t size, uint64_t wait_ms) override {
    pollfd in{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&in, 1, static_cast<int>(std::min<uint64_t>(wait_ms, INT_MAX)));
    if (ready == 0 || (ready < 0 && errno == EINTR)) return Read{};
    const ssize_t n = ready < 0 ? -1 : ::read(STDIN_FILENO, to, size);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return Read{};
    if (n < 0) {
      return Status::fatal(fmt::format("standard input cannot be read: {}", std::generic_category().message(errno)));
    }
    return Read{.bytes = static_cast<size_t>(n), .ended = n == 0};
  }
};

}  // namespace

std::unique_ptr<ByteStream> standard_input() {
  return std::make_unique<StandardInput>();
}

}  // namespace leat::os
