#pragma once

// What an answer of BigQuery means, and what a job has become: the retry table of docs/formats/bigquery-sink.md, "What
// to do when it does not work". Pure; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/http_client.h"

namespace leat {

struct BigQueryVerdict {
  enum class Then : uint8_t {
    ok,       // 2xx
    more,     // 308 of an upload: go on behind what is kept
    again,    // the same again, after `wait_ms` or a growing wait
    log_in,   // with a new token
    park,     // a quota is used up: in minutes
    missing,  // 404, 410
    exists,   // 409
    changed,  // 412: read again
    invalid,  // 400 with a reason
    stop,     // will not be better by itself
  };
  Then then = Then::ok;
  std::optional<uint64_t> wait_ms;  // that Retry-After names
  std::string reason;               // BigQuery's word: "quotaExceeded"
  std::string message;              // what BigQuery says; of an answer that is not its own, the status
};

BigQueryVerdict judge_bigquery(const os::HttpHead& head, std::string_view body);

struct BigQueryJob {
  enum class State : uint8_t { running, done };
  State state = State::running;
  std::string id;
  std::string project;
  std::string location;
  std::string reason;               // of the errorResult; empty: none
  std::string message;              //
  std::vector<std::string> errors;  // what else `status.errors` says, at most 10
  uint64_t output_rows = 0;         // of a load job; those that a MERGE has inserted
  uint64_t bad_records = 0;         //
  uint64_t bytes_billed = 0;        // of a query
  std::string sha;                  // its label leat_sha
  uint64_t rows = 0;                // its label leat_rows
  std::string table;                // destination of a load or copy, "DATASET.TABLE"; empty: none
};

// Nothing: the text is no resource of a job.
std::optional<BigQueryJob> parse_bigquery_job(std::string_view body);

// Of a job that ended with an error.
enum class AfterFailure : uint8_t {
  next_attempt,
  park,      // then the next attempt
  bad_rows,  // bisect
  stop,
};
AfterFailure judge_job_failure(std::string_view reason, std::string_view message);

}  // namespace leat
