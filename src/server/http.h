#pragma once

// What the server hands to those who answer, and what they hand back: HTTP without sockets. Plain values; a request is
// answered by one of the server's worker threads, and the pieces of its body are made by any of them, one at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace leat {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;         // "GET"
  std::string target;         // as it was sent: "/api/v1/tables/flows?limit=5"
  HttpHeaders headers;        // as they were sent
  bool tls = false;           // it came over TLS
  std::string local_address;  // that the connection came to, without the port: "127.0.0.1", "::1"
  // The first of that name, in any case; empty: there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

// A body that is made while it is sent. Nothing of it is made ahead: next() is called when the client has taken what
// there was.
class HttpBody {
 public:
  HttpBody() = default;
  HttpBody(const HttpBody&) = delete;
  HttpBody& operator=(const HttpBody&) = delete;
  virtual ~HttpBody() = default;
  // Adds the next piece, some 64 KiB at most or nothing yet, within about 200 ms. False: that was the end. retry: the
  // same call may succeed later. After any other failure the connection is cut, so that the client knows.
  virtual Result<bool> next(std::string& to) = 0;
  // Names are known before the first piece, values after the last.
  [[nodiscard]] virtual HttpHeaders trailers() const { return {}; }
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::string text;                  // the body, unless there is a stream
  std::unique_ptr<HttpBody> stream;  // sent in chunks
};

using HttpHandler = std::function<HttpResponse(const HttpRequest& request)>;

bool same_ignoring_case(std::string_view a, std::string_view b);

}  // namespace leat
