#include "sinks/bigquery_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/redaction.h"
#include "base/text.h"
#include "sinks/bigquery_http.h"

namespace leat {
namespace {

using Then = BigQueryVerdict::Then;

constexpr uint64_t kParkMs = 600'000;
constexpr size_t kShownMessage = 500;

// How much of an upload is kept: "bytes=0-262143" → 262144; without the header nothing is.
uint64_t kept_bytes(const os::HttpHead& head) {
  const std::string* range = head.find("range");
  if (range == nullptr) return 0;
  const size_t dash = range->rfind('-');
  const auto last = parse_integer(std::string_view(*range).substr(dash == std::string::npos ? 0 : dash + 1));
  return last && *last >= 0 ? static_cast<uint64_t>(*last) + 1 : 0;
}

}  // namespace

Status failure_of(const BigQueryVerdict& verdict, const std::string& what) {
  const std::string reason = verdict.reason.empty() ? "" : " (" + verdict.reason + ")";
  std::string message = fmt::format("BigQuery: {}: {}{}", what, visible(verdict.message, kShownMessage), reason);
  switch (verdict.then) {
    case Then::park:
      return Status::retry(std::move(message)).with_retry_after_ms(verdict.wait_ms.value_or(kParkMs));
    case Then::again:
    case Then::changed: {
      Status status = Status::retry(std::move(message));
      return verdict.wait_ms ? std::move(status).with_retry_after_ms(*verdict.wait_ms) : std::move(status);
    }
    case Then::log_in:
      return Status::bad_config(std::move(message) + "; these credentials may not be used here");
    default:
      return Status::bad_config(std::move(message));
  }
}

BigQueryClient::BigQueryClient(BigQueryAccess access, GoogleAuth auth, os::HttpClient& http, os::Clock& clock,
                               std::stop_token stop)
    : access_(std::move(access)), auth_(std::move(auth)), http_(http), clock_(clock), stop_(std::move(stop)) {}

bool BigQueryClient::may_see_token(std::string_view url) const {
  if (url.starts_with(access_.endpoint) && url.substr(access_.endpoint.size()).starts_with('/')) return true;
  constexpr std::string_view kHttps = "https://";
  if (!url.starts_with(kHttps)) return false;
  const std::string_view host = url.substr(kHttps.size(), url.find_first_of("/?#@\\", kHttps.size()) - kHttps.size());
  return host.ends_with(".googleapis.com");
}

Result<BigQueryReply> BigQueryClient::send(os::HttpRequest request) {
  LEAT_ASSIGN(std::string authorization, auth_.authorization(http_, stop_));
  if (!authorization.empty()) request.headers.emplace_back("Authorization", std::move(authorization));
  LEAT_ASSIGN(HttpAnswer answer, ask(http_, std::move(request), stop_));
  BigQueryVerdict verdict = judge_bigquery(answer.head, answer.body);
  verdict.message = redacted(verdict.message, auth_.secrets());
  return BigQueryReply{std::move(verdict), std::move(answer.body), std::move(answer.head)};
}

// A token is refused: it is forgotten. `renewed`: that was so with the request before, and this one has had a new one;
// refused twice in a row, the credentials themselves are no good.
bool BigQueryClient::wants_new_token(const Result<BigQueryReply>& reply, bool& renewed) {
  const bool refused = reply.ok() && reply->verdict.then == Then::log_in;
  const bool again = refused && !renewed;
  renewed = refused;
  if (again) auth_.forget();
  return again;
}

Result<BigQueryReply> BigQueryClient::persist(const os::HttpRequest& request) {
  BigQueryPatience waits = patience();
  bool renewed = false;
  for (;;) {
    Result<BigQueryReply> reply = send(request);
    Status trouble;
    if (wants_new_token(reply, renewed)) continue;
    if (!reply.ok()) {
      if (reply.status().kind() != Kind::retry) return reply;
      trouble = std::move(reply).status();
    } else if (reply->verdict.then == Then::again || reply->verdict.then == Then::log_in) {
      trouble = failure_of(reply->verdict, request.method + " " + visible(shown_url(request.url, auth_.secrets())));
      if (trouble.kind() != Kind::retry) return trouble;
    } else {
      return reply;
    }
    LEAT_TRY(waits.wait(std::move(trouble)));
  }
}

Result<BigQueryReply> BigQueryClient::call(const std::string& method, const std::string& path, std::string body,
                                           os::HttpHeaders headers) {
  if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
  return persist({.method = method,
                  .url = fmt::format("{}/bigquery/v2/projects/{}{}", access_.endpoint, access_.project, path),
                  .headers = std::move(headers),
                  .body = std::move(body)});
}

Result<std::optional<BigQueryJob>> BigQueryClient::job(const std::string& id, const std::string& location) {
  BigQueryPatience waits = patience();
  for (;;) {
    LEAT_ASSIGN(const BigQueryReply reply, call("GET", fmt::format("/jobs/{}?location={}", id, location)));
    if (reply.verdict.then == Then::missing) return std::optional<BigQueryJob>();
    if (reply.verdict.then != Then::ok) return failure_of(reply.verdict, "job " + id);
    std::optional<BigQueryJob> job = parse_bigquery_job(reply.body);
    if (job) return job;
    LEAT_TRY(
        waits.wait(Status::retry(fmt::format("BigQuery: job {}: the answer is no job: {}", id, quoted(reply.body)))));
  }
}

// Of asking for a job. What does not say that it was refused may have made it.
static Status after_asking(const BigQueryVerdict& verdict) {
  const bool refused = verdict.then == Then::park || verdict.then == Then::invalid || verdict.then == Then::stop ||
                       verdict.then == Then::log_in;
  return refused ? failure_of(verdict, "a job is refused") : Status();
}

Status BigQueryClient::submit(const std::string& job) {
  LEAT_ASSIGN(const BigQueryReply reply, call("POST", "/jobs", job));
  if (reply.verdict.then == Then::missing) return failure_of(reply.verdict, "a job is refused");
  return after_asking(reply.verdict);
}

// Empty: the id is in use.
Result<std::string> BigQueryClient::start_session(const std::string& job, uint64_t size) {
  LEAT_ASSIGN(const BigQueryReply reply,
              persist({.method = "POST",
                       .url = fmt::format("{}/upload/bigquery/v2/projects/{}/jobs?uploadType=resumable",
                                          access_.endpoint, access_.project),
                       .headers = {{"Content-Type", "application/json"},
                                   {"X-Upload-Content-Type", "application/octet-stream"},
                                   {"X-Upload-Content-Length", std::to_string(size)}},
                       .body = job}));
  if (reply.verdict.then == Then::exists) return std::string();
  if (reply.verdict.then != Then::ok) return failure_of(reply.verdict, "an upload is refused");
  const std::string* location = reply.head.find("location");
  if (location == nullptr || !may_see_token(*location)) {
    return Status::fatal(
        fmt::format("BigQuery: an upload leads to {}, which is not at {}; credentials are not sent there",
                    location == nullptr ? "nowhere" : visible(shown_url(*location)), access_.endpoint));
  }
  return *location;
}

Status BigQueryClient::send_chunks(const std::string& session, os::File& file, uint64_t size) {
  BigQueryPatience waits = patience();
  uint64_t at = 0;
  bool known = true;  // what is kept is at `at`; false: to be asked for
  bool renewed = false;
  std::string chunk;
  for (;;) {
    os::HttpRequest request{.method = "PUT", .url = session};
    if (known) {
      chunk.resize(std::min(access_.chunk_bytes, size - at));
      LEAT_ASSIGN(const size_t read, file.read_at(at, chunk.data(), chunk.size()));
      if (read != chunk.size()) return Status::fatal("BigQuery: a segment is shorter than it was when it was sealed");
      request.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", at, at + chunk.size() - 1, size));
      request.body = chunk;
    } else {
      request.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    }
    const Result<BigQueryReply> reply = send(std::move(request));
    Status trouble;
    if (wants_new_token(reply, renewed)) {
      known = false;
      continue;
    }
    if (!reply.ok()) {
      trouble = reply.status().clone();
      if (trouble.kind() != Kind::retry) return trouble;
    } else if (reply->verdict.then == Then::more) {
      const uint64_t kept = kept_bytes(reply->head);
      if (kept > size) return Status::fatal(fmt::format("BigQuery: an upload of {} bytes has {} of them", size, kept));
      if (kept > at) {
        waits.begin();
      } else if (known) {
        LEAT_TRY(waits.wait(Status::retry("BigQuery: an upload does not go on")));
      }
      at = kept;
      // All is there and the answer has not said so: it is asked again.
      known = at < size;
      if (known) continue;
      trouble = Status::retry("BigQuery: an upload is complete and does not end");
    } else if (reply->verdict.then == Then::again && reply->head.status != 400) {
      trouble = failure_of(reply->verdict, "an upload");
    } else {
      // It is there; or the session is gone, and whether the job is there is what the caller asks.
      return after_asking(reply->verdict);
    }
    known = false;
    LEAT_TRY(waits.wait(std::move(trouble)));
  }
}

Status BigQueryClient::upload(const std::string& job, os::File& file, uint64_t size) {
  LEAT_ASSIGN(const std::string session, start_session(job, size));
  return session.empty() ? Status() : send_chunks(session, file, size);
}

}  // namespace leat
