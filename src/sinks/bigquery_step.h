#pragma once

// One step of the protocol: a job of one name runs to its end, once, whatever happens meanwhile and however often it is
// begun (docs/formats/bigquery-sink.md, "States of a segment", 4). One thread, which waits.

#include <cstdint>
#include <string>

#include "base/status.h"
#include "os/file_system.h"
#include "sinks/bigquery_client.h"

namespace leat {

struct BigQueryStep {
  std::string name;           // the job's id, but for the attempt
  std::string location;       // of the dataset
  std::string table;          // "DATASET.TABLE", the destination; empty: the job has none
  std::string sha;            // label leat_sha: the first 40 digits of the SHA-256 of what the job brings
  std::string configuration;  // members of the job's configuration as JSON, without braces: "load":{…}
  os::File* media = nullptr;  // of a load job
  uint64_t media_bytes = 0;   // at least 1
  uint64_t rows = 0;          // of a load job: as many must come out
};

// Comes back when the job is DONE without an error. retry: it could not be brought to an end for now, and can be begun
// again at any time; with a named wait when a quota is used up. bad_data: BigQuery refuses rows, and nothing has
// landed. bad_config: it refuses the job. fatal: the id was used for something else, other rows landed than were sent,
// or the job was cancelled. stopped.
Result<BigQueryJob> carry_out(BigQueryClient& client, const BigQueryStep& step);

// The body of jobs.insert for an attempt.
std::string job_resource(const BigQueryStep& step, const std::string& project, const std::string& id);

}  // namespace leat
