#include "os/local_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace leat::os {
namespace {

constexpr size_t kMostName = 90;
constexpr int kBacklog = 16;

// The address of a socket by way of its folder, which stays open as long as this lives: its path may be longer than an
// address.
class Address {
 public:
  explicit Address(const std::string& path) {
    const size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (name.size() > kMostName) {
      errno = ENAMETOOLONG;
      return;
    }
    folder_ = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_ < 0) return;
    address_.sun_family = AF_UNIX;
    fmt::format_to_n(static_cast<char*>(address_.sun_path), sizeof address_.sun_path - 1, "/proc/self/fd/{}/{}",
                     folder_, name);
  }
  Address(const Address&) = delete;
  Address& operator=(const Address&) = delete;
  ~Address() {
    if (folder_ >= 0) ::close(folder_);
  }
  [[nodiscard]] bool ok() const { return folder_ >= 0; }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  static constexpr socklen_t size() { return sizeof(sockaddr_un); }
  [[nodiscard]] const char* path() const { return static_cast<const char*>(address_.sun_path); }

 private:
  sockaddr_un address_{};
  int folder_ = -1;
};

timeval time_of(uint64_t ms) {
  return {static_cast<time_t>(ms / 1000), static_cast<suseconds_t>(ms % 1000 * 1000)};
}

bool send_all(int descriptor, const char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t sent = ::send(descriptor, bytes, count, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes += sent;
    count -= static_cast<size_t>(sent);
  }
  return true;
}

bool receive_all(int descriptor, char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t got = ::recv(descriptor, bytes, count, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    count -= static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

LocalSocket::~LocalSocket() {
  ::close(descriptor_);
}

void LocalSocket::set_patience(uint64_t receive_ms, uint64_t send_ms) const {
  const timeval receive = time_of(receive_ms);
  const timeval send = time_of(send_ms);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof receive);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof send);
}

bool LocalSocket::send(std::string_view message) const {
  std::array<char, 4> length{};
  for (size_t i = 0; i < length.size(); ++i) length[i] = static_cast<char>(message.size() >> (8 * i) & 0xFF);
  return send_all(descriptor_, length.data(), length.size()) && send_all(descriptor_, message.data(), message.size());
}

std::optional<std::string> LocalSocket::receive(uint64_t most) const {
  std::array<unsigned char, 4> length{};
  if (!receive_all(descriptor_, reinterpret_cast<char*>(length.data()), length.size())) return std::nullopt;
  uint64_t size = 0;
  for (size_t i = 0; i < length.size(); ++i) size |= static_cast<uint64_t>(length[i]) << (8 * i);
  if (size > most) return std::nullopt;
  std::string message(size, '\0');
  if (!receive_all(descriptor_, message.data(), message.size())) return std::nullopt;
  return message;
}

void LocalSocket::stop() const {
  ::shutdown(descriptor_, SHUT_RDWR);
}

std::unique_ptr<LocalSocket> connect_local(const std::string& path) {
  const Address address(path);
  if (!address.ok()) return nullptr;
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return nullptr;
  auto socket = std::make_unique<LocalSocket>(descriptor);
  if (::connect(descriptor, address.get(), Address::size()) != 0) return nullptr;
  return socket;
}

Result<std::unique_ptr<LocalListener>> LocalListener::open(const std::string& path) {
  const auto failed = [&](int descriptor) {
    const int error = errno;
    if (descriptor >= 0) ::close(descriptor);
    return Status::retry(fmt::format("{}: cannot listen there ({})", visible(path), std::strerror(error)));
  };
  const Address address(path);
  if (!address.ok()) return failed(-1);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return failed(-1);
  ::unlink(address.path());
  if (::bind(descriptor, address.get(), Address::size()) != 0 || ::chmod(address.path(), S_IRUSR | S_IWUSR) != 0 ||
      ::listen(descriptor, kBacklog) != 0) {
    return failed(descriptor);
  }
  const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return failed(descriptor);
  return std::unique_ptr<LocalListener>(new LocalListener(path, descriptor, wake));
}

LocalListener::~LocalListener() {
  ::unlink(path_.c_str());
  ::close(descriptor_);
  ::close(wake_);
}

std::unique_ptr<LocalSocket> LocalListener::accept() {
  for (;;) {
    std::array<pollfd, 2> waited = {{{descriptor_, POLLIN, 0}, {wake_, POLLIN, 0}}};
    const int ready = ::poll(waited.data(), waited.size(), -1);
    if (ready < 0 && errno != EINTR) return nullptr;
    if (waited[1].revents != 0) return nullptr;
    if (ready <= 0 || waited[0].revents == 0) continue;
    const int descriptor = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor >= 0) return std::make_unique<LocalSocket>(descriptor);
    // No descriptor is free: those who wait go on waiting.
    if (errno == EMFILE || errno == ENFILE) ::poll(&waited[1], 1, 100);
  }
}

void LocalListener::stop() const {
  ::eventfd_write(wake_, 1);
}

}  // namespace leat::os
