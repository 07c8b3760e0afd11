#pragma once

// Answers of HTTP servers, as they come: several at once, each in bounded memory. Bodies are as they were sent, still
// compressed. Redirects are answers like others. One thread uses a client and its transfers.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace leat::os {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  // in order; a name may be there more than once

struct HttpRequest {
  std::string method = "GET";
  std::string url = {};      // http or https, without user and password; what is behind '#' is not sent
  HttpHeaders headers = {};  // `Accept-Encoding` among them, if bodies may come compressed
  std::string body = {};     // sent as it is, when the method is not GET or HEAD
};

struct HttpHead {
  int status = 0;
  HttpHeaders headers;  // of the last answer, not of an interim one; names in lower case
  bool framed = true;   // its end is told from a cut; false: the body ends when the server closes the connection
  // The first header of this name (in lower case); null: there is none.
  [[nodiscard]] const std::string* find(std::string_view name) const;
};

// One request and its answer. The destructor ends it; when the answer is not complete it closes the connection.
class HttpTransfer {
 public:
  enum class What : uint8_t {
    nothing,  // nothing has come yet: HttpClient::wait()
    bytes,    // of the body, in `bytes`
    end,      // the answer is complete, as its framing says
  };
  struct Read {
    What what = What::nothing;
    std::string_view bytes;  // until the next call
  };
  HttpTransfer() = default;
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;
  virtual ~HttpTransfer() = default;

  // Null: it has not come yet.
  [[nodiscard]] virtual const HttpHead* head() const = 0;
  // There is a connection, or there was one: the request has gone out.
  [[nodiscard]] virtual bool connected() const = 0;
  // What has come of the body. retry: the connection failed, was cut, or nothing came for idle_timeout_ms; bad_config:
  // the address cannot be one, the certificate is not trusted; the same again afterwards. Messages begin with the URL,
  // without what is secret in it.
  virtual Result<Read> read() = 0;
};

struct HttpClientOptions {
  uint64_t connect_timeout_ms = 30'000;
  uint64_t idle_timeout_ms = 300'000;     // between two pieces of an answer, and before the first one; not in total,
                                          // and not while nobody calls read() or wait(), or the buffer is full
  size_t buffer_bytes = 512 * 1024;       // of a transfer that nobody reads: then its connection is held up
  std::string ca_file = {};               // PEM; empty: the system's
  std::vector<std::string> secrets = {};  // never shown in a message
};

// Outlives its transfers.
class HttpClient {
 public:
  HttpClient() = default;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  virtual ~HttpClient() = default;

  // Connections are kept and used again; one carries one transfer at a time. Nothing is sent before wait() or read().
  virtual std::unique_ptr<HttpTransfer> start(HttpRequest request) = 0;
  // Until something has come for any transfer, at most `wait_ms`; not at all when all have ended.
  virtual void wait(uint64_t wait_ms) = 0;
};

// Proxies as the environment says (http_proxy, https_proxy, no_proxy).
std::unique_ptr<HttpClient> make_http_client(HttpClientOptions options);

}  // namespace leat::os
