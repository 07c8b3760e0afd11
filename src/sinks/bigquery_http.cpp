#include "sinks/bigquery_http.h"

#include <fmt/format.h>

#include "base/redaction.h"
#include "base/text.h"

namespace leat {
namespace {

constexpr size_t kLargestAnswer = 64 * 1024 * 1024;
constexpr uint64_t kLookMs = 200;  // at `stop`

}  // namespace

Result<HttpAnswer> ask(os::HttpClient& http, os::HttpRequest request, const std::stop_token& stop) {
  const std::string url = request.url;
  const auto transfer = http.start(std::move(request));
  std::string body;
  for (;;) {
    if (stop.stop_requested()) return Status::stopped();
    LEAT_ASSIGN(const os::HttpTransfer::Read read, transfer->read());
    if (read.what == os::HttpTransfer::What::end) return HttpAnswer{*transfer->head(), std::move(body)};
    if (read.what == os::HttpTransfer::What::nothing) {
      http.wait(kLookMs);
    } else if (body.size() + read.bytes.size() > kLargestAnswer) {
      return Status::retry(
          fmt::format("{}: the answer is larger than {}", visible(shown_url(url)), human_bytes(kLargestAnswer)));
    } else {
      body += read.bytes;
    }
  }
}

}  // namespace leat
