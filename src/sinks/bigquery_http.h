#pragma once

// One question over HTTP and its whole answer, for threads that may wait. The thread of the client.

#include <stop_token>
#include <string>

#include "base/status.h"
#include "os/http_client.h"

namespace leat {

struct HttpAnswer {
  os::HttpHead head;
  std::string body;
};

// retry: no connection, a cut answer, or one of more than 64 MiB; stopped: `stop` was asked for; else as HttpTransfer.
Result<HttpAnswer> ask(os::HttpClient& http, os::HttpRequest request, const std::stop_token& stop);

}  // namespace leat
