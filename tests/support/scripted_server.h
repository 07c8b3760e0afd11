#pragma once

// A server on 127.0.0.1 that answers each request with scripted bytes: whole answers, torn ones, or silence. A thread a
// connection. Ends all of them in its destructor.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace leat::testing {

enum class Then : uint8_t {
  keep,   // waits for the next request on this connection
  close,  // says that nothing more comes
  reset,  // breaks the connection
  hold,   // stays silent, the connection open
};

struct ScriptedAnswer {
  std::string bytes;  // head and body, as they go over the wire
  Then then = Then::keep;
};

// An answer with `body` and its Content-Length. `headers`: lines, each with its "\r\n".
inline std::string http_answer(std::string_view body, std::string_view status = "200 OK",
                               std::string_view headers = "") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

class ScriptedServer {
 public:
  // Called for each request, one at a time: its head and body as they came.
  using Handler = std::function<ScriptedAnswer(const std::string& request)>;

  explicit ScriptedServer(Handler handler) : handler_(std::move(handler)) { listen(); }
  // The answers in turn; after the last one, silence.
  explicit ScriptedServer(std::vector<ScriptedAnswer> answers) {
    handler_ = [answers = std::move(answers), next = size_t{0}](const std::string&) mutable {
      return next < answers.size() ? answers[next++] : ScriptedAnswer{"", Then::hold};
    };
    listen();
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    for (Connection& connection : connections_) {
      ::shutdown(connection.socket, SHUT_RDWR);
      connection.thread.join();
      ::close(connection.socket);
    }
  }

  [[nodiscard]] uint16_t port() const { return port_; }
  // "http://127.0.0.1:PORT" and `path`.
  [[nodiscard]] std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  [[nodiscard]] std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  [[nodiscard]] size_t connections() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
  }

 private:
  struct Connection {
    int socket = -1;
    std::thread thread;
  };

  void listen() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* where = reinterpret_cast<sockaddr*>(&address);
    if (listener_ < 0 || ::bind(listener_, where, size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, where, &size) != 0) {
      throw std::runtime_error("no server on 127.0.0.1");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }

  void accept() {
    for (;;) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      const std::lock_guard lock(mutex_);
      connections_.push_back({socket, std::thread([this, socket] { serve(socket); })});
    }
  }

  void serve(int socket) {
    std::string received;
    for (;;) {
      const std::string request = next_request(socket, received);
      if (request.empty()) return;
      ScriptedAnswer answer;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
        answer = handler_(request);
      }
      for (size_t sent = 0; sent < answer.bytes.size();) {
        const ssize_t n = ::send(socket, answer.bytes.data() + sent, answer.bytes.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) return;
        sent += static_cast<size_t>(n);
      }
      if (answer.then == Then::keep) continue;
      if (answer.then == Then::close) ::shutdown(socket, SHUT_WR);
      if (answer.then == Then::reset) {
        // Closing with "linger 0" sends a reset; the descriptor itself stays until the destructor.
        const linger now{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        const int nothing = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ::dup3(nothing, socket, O_CLOEXEC);
        ::close(nothing);
      }
      return;
    }
  }

  // Empty: the connection has ended.
  static std::string next_request(int socket, std::string& received) {
    for (;;) {
      if (const size_t head = received.find("\r\n\r\n"); head != std::string::npos) {
        size_t body = 0;
        constexpr std::string_view kLength = "Content-Length: ";
        if (const size_t at = received.find(kLength); at < head) {
          std::from_chars(received.data() + at + kLength.size(), received.data() + head, body);
        }
        if (received.size() >= head + 4 + body) {
          std::string request = received.substr(0, head + 4 + body);
          received.erase(0, request.size());
          return request;
        }
      }
      char bytes[16 * 1024];
      const ssize_t n = ::recv(socket, bytes, sizeof bytes, 0);
      if (n <= 0) return "";
      received.append(bytes, static_cast<size_t>(n));
    }
  }

  Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::list<Connection> connections_;
  std::vector<std::string> requests_;
  std::thread acceptor_;
};

}  // namespace leat::testing
