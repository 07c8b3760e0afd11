#pragma once

// HTTP/1.1 over TCP for any number of clients: one thread for all sockets, a few workers that answer. A client costs
// one piece of a body (64 KiB) and what the system buffers for its socket, however slow it reads; what it has not taken
// is not made. Made and run by one thread. The only file behind it that knows Asio and Beast is http_server.cpp.
//
// A connection:   waiting ──whole header──▶ answering ──body sent──▶ waiting (keep-alive), or closed
//                    │ says nothing for too long, or is the longest silent one when room is needed: closed
// Closed too: a header that is too large (431) or wrong (400), a body that comes with a request, a client that takes
// nothing of an answer for write_ms.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/status.h"
#include "server/http.h"

namespace leat {

struct ListenAddress {
  std::string address;  // numeric: "127.0.0.1", "::1"
  uint16_t port = 0;    // 0: any that is free
  bool loopback = true;
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:0". bad_config: it is no such thing.
Result<ListenAddress> parse_listen_address(std::string_view text);

// PEM files. The certificate is followed by those that vouch for it.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

struct HttpServerOptions {
  ListenAddress listen;
  std::optional<TlsFiles> tls;      // absent: plain HTTP. TLS 1.2 and later
  size_t connections = 512;         // at the same time; beyond it the longest silent one makes room, else 503
  size_t header_bytes = 16 * 1024;  // of a request, with its first line
  uint64_t header_ms = 10 * 1000;   // from the connection to the end of the first header
  uint64_t idle_ms = 60 * 1000;     // from an answer to the end of the next header
  uint64_t write_ms = 60 * 1000;    // that a client may take nothing
  size_t workers = 2;
};

// An answer that was sent, or as far as it was.
struct HttpLog {
  std::string client;  // its address
  std::string method;
  std::string target;
  int status = 0;
  uint64_t bytes = 0;  // of the body, as sent
  uint64_t ms = 0;
  bool whole = true;    // false: the client went away, was too slow, or the answer failed on the way
  std::string failure;  // why it did
};

class HttpServer {
 public:
  // `on_answer`: called by the thread of run(). bad_config: the address is not one of this machine, a file for TLS
  // cannot be used. fatal: the port is
  // in use, or may not be used.
  static Result<std::unique_ptr<HttpServer>> listen(const HttpServerOptions& options, HttpHandler handler,
                                                    std::function<void(const HttpLog&)> on_answer);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  virtual ~HttpServer() = default;

  // "http://127.0.0.1:8080" or "https://…", with the port that it has.
  [[nodiscard]] virtual std::string url() const = 0;
  // Until a stop; answers that are on their way are cut.
  virtual void run(const std::stop_token& stop) = 0;

 protected:
  HttpServer() = default;
};

}  // namespace leat
