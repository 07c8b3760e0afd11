#include "sinks/bigquery_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json_at.h"
#include "base/text.h"

namespace leat {
namespace {

using Then = BigQueryVerdict::Then;

constexpr size_t kErrorsKept = 10;

Then then_of(int status, const std::string& reason) {
  if (status < 300) return Then::ok;
  if (status == 308) return Then::more;
  if (status == 408 || status == 429 || status >= 500) return reason == "notImplemented" ? Then::stop : Then::again;
  if (status == 401) return Then::log_in;
  if (status == 404 || status == 410) return Then::missing;
  if (reason.empty()) return Then::again;  // a proxy has answered, not BigQuery
  if (reason == "rateLimitExceeded" || reason == "userRateLimitExceeded") return Then::again;
  if (reason == "quotaExceeded") return Then::park;
  if (status == 409) return Then::exists;
  if (status == 412) return Then::changed;
  return status == 400 ? Then::invalid : Then::stop;
}

uint64_t number_at(std::string_view body, std::string_view pointer) {
  return static_cast<uint64_t>(
      std::max<int64_t>(0, parse_integer(json_text_at(body, pointer).value_or("")).value_or(0)));
}

}  // namespace

BigQueryVerdict judge_bigquery(const os::HttpHead& head, std::string_view body) {
  BigQueryVerdict verdict;
  if (head.status >= 300 && head.status != 308) {
    verdict.reason = json_text_at(body, "/error/errors/0/reason").value_or("");
    verdict.message = json_text_at(body, "/error/message").value_or("");
    if (verdict.message.empty()) verdict.message = fmt::format("the server answers {}", head.status);
  }
  verdict.then = then_of(head.status, verdict.reason);
  if (const std::string* wait = head.find("retry-after")) {
    if (const auto seconds = parse_integer(trim(*wait)); seconds && *seconds >= 0) {
      verdict.wait_ms = static_cast<uint64_t>(*seconds) * 1000;
    }
  }
  return verdict;
}

std::optional<BigQueryJob> parse_bigquery_job(std::string_view body) {
  const auto at = [&](std::string_view pointer) { return json_text_at(body, pointer).value_or(""); };
  BigQueryJob job;
  job.id = at("/jobReference/jobId");
  const std::string state = at("/status/state");
  if (job.id.empty() || state.empty()) return std::nullopt;
  job.project = at("/jobReference/projectId");
  job.location = at("/jobReference/location");
  job.state = state == "DONE" ? BigQueryJob::State::done : BigQueryJob::State::running;
  job.sha = at("/configuration/labels/leat_sha");
  job.rows = number_at(body, "/configuration/labels/leat_rows");
  // That of a query is a table for its results.
  for (const std::string kind : {"load", "copy"}) {
    const std::string table = "/configuration/" + kind + "/destinationTable";
    if (const std::string name = at(table + "/tableId"); !name.empty())
      job.table = at(table + "/datasetId") + "." + name;
  }
  if (job.state == BigQueryJob::State::running) return job;
  job.reason = at("/status/errorResult/reason");
  job.message = at("/status/errorResult/message");
  for (size_t i = 0; i < kErrorsKept; ++i) {
    std::string error = at(fmt::format("/status/errors/{}/message", i));
    if (error.empty()) break;
    if (error != job.message) job.errors.push_back(std::move(error));
  }
  job.output_rows =
      number_at(body, "/statistics/load/outputRows") + number_at(body, "/statistics/query/dmlStats/insertedRowCount");
  job.bad_records = number_at(body, "/statistics/load/badRecords");
  job.bytes_billed = number_at(body, "/statistics/query/totalBytesBilled");
  return job;
}

AfterFailure judge_job_failure(std::string_view reason, std::string_view message) {
  constexpr std::array<std::string_view, 8> kPassing = {
      "backendError",         "internalError",     "jobBackendError",  "jobInternalError",
      "jobRateLimitExceeded", "rateLimitExceeded", "tableUnavailable", "timeout"};
  if (std::find(kPassing.begin(), kPassing.end(), reason) != kPassing.end()) return AfterFailure::next_attempt;
  // A MERGE beside another statement that changes the table; its reason is that of a wrong query.
  if (message.find("due to concurrent update") != std::string_view::npos) return AfterFailure::next_attempt;
  if (reason == "quotaExceeded") return AfterFailure::park;
  return reason == "invalid" ? AfterFailure::bad_rows : AfterFailure::stop;
}

}  // namespace leat
