#pragma once

// BigQuery's REST API, for a thread that may wait: what can pass is asked again by itself, with growing waits, until it
// passes or ten minutes are over (docs/formats/bigquery-sink.md, "What to do when it does not work"). Only that is
// asked again which may be: reading, or writing under an id or an etag. One thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/status.h"
#include "os/clock.h"
#include "os/file_system.h"
#include "os/http_client.h"
#include "sinks/bigquery_answer.h"
#include "sinks/bigquery_auth.h"
#include "sinks/bigquery_patience.h"

namespace leat {

struct BigQueryAccess {
  std::string endpoint = "https://bigquery.googleapis.com";  // without a slash at the end
  std::string project;
  uint64_t chunk_bytes = 8ULL * 1024 * 1024;  // of an upload; a multiple of 256 KiB
  uint64_t patience_ms = 600'000;             // without any progress, until a call fails
};

struct BigQueryReply {
  BigQueryVerdict verdict;
  std::string body;
  os::HttpHead head;
};

class BigQueryClient {
 public:
  BigQueryClient(BigQueryAccess access, GoogleAuth auth, os::HttpClient& http, os::Clock& clock, std::stop_token stop);

  // `path` behind /projects/PROJECT: "/datasets/d/tables/t"; `body`: JSON, or empty. The reply is none of again and
  // log_in. retry: it did not pass in time; bad_config: the credentials are refused; stopped.
  Result<BigQueryReply> call(const std::string& method, const std::string& path, std::string body = "",
                             os::HttpHeaders headers = {});

  // Nothing: there is none of this id, or it is not seen yet.
  Result<std::optional<BigQueryJob>> job(const std::string& id, const std::string& location);
  // Asks for a job without media. Whether it was made is what job() says: ok also when it is not known. park and
  // invalid and stop are failures: retry with a named wait; bad_config.
  Status submit(const std::string& job);
  // The same with the first `size` bytes of `file` as its media, in a session.
  Status upload(const std::string& job, os::File& file, uint64_t size);

  [[nodiscard]] const BigQueryAccess& access() const { return access_; }
  // stopped: before it was over.
  Status wait_ms(uint64_t ms) { return clock_.wait_ms(ms, stop_) ? Status() : Status::stopped(); }
  [[nodiscard]] BigQueryPatience patience() { return {clock_, access_.patience_ms, stop_}; }

 private:
  // One try. retry: the connection failed, or no token came.
  Result<BigQueryReply> send(os::HttpRequest request);
  bool wants_new_token(const Result<BigQueryReply>& reply, bool& renewed);
  Result<BigQueryReply> persist(const os::HttpRequest& request);
  Result<std::string> start_session(const std::string& job, uint64_t size);
  Status send_chunks(const std::string& session, os::File& file, uint64_t size);
  [[nodiscard]] bool may_see_token(std::string_view url) const;

  BigQueryAccess access_;
  GoogleAuth auth_;
  os::HttpClient& http_;
  os::Clock& clock_;
  std::stop_token stop_;
};

// A refusal as a failure: retry with a wait for park, bad_config for the rest.
Status failure_of(const BigQueryVerdict& verdict, const std::string& what);

}  // namespace leat
