#pragma once

// A table in BigQuery, filled by load jobs; docs/formats/bigquery-sink.md has the protocol. Who calls what:
// flow/sink.h, flow/store.h.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flow/note.h"
#include "flow/sink.h"
#include "flow/store.h"
#include "os/clock.h"
#include "sinks/bigquery_auth.h"

namespace leat {

struct BigQueryOptions {
  std::string project;  // empty: that of the credentials
  std::string dataset;
  std::string location;     // of a dataset that is made
  std::string credentials;  // a file; empty: where Google's tools look
  std::string endpoint;     // empty: BIGQUERY_EMULATOR_HOST, else Google's
  std::string spool;        // the folder of journals and segments
  uint64_t segment_bytes = 256ULL * 1024 * 1024;
  uint64_t max_spool = 10ULL * 1024 * 1024 * 1024;  // bytes of segments that are not loaded; nothing is read meanwhile
  uint64_t every_ms = 300'000;                      // a segment is loaded that is so old, with the next commit
  std::string partition_by;
  std::string partition = "DAY";     // HOUR, MONTH, YEAR
  bool replaces_partitions = false;  // replace: of those alone that a pull brings
  std::vector<std::string> cluster_by;
};

// bad_config: BigQuery cannot take what this pipeline brings.
Status check_bigquery_plan(const SinkPlan& plan);

std::unique_ptr<Sink> make_bigquery_sink(BigQueryOptions options, Environment environment, os::Clock& clock, Note note);

// Of all pipelines whose journals are in the spool. Null: there are none. bad_config: as connecting, when it is asked
// for what is in BigQuery.
Result<std::unique_ptr<Store>> open_bigquery_store(const BigQueryOptions& options, Environment environment,
                                                   os::Clock& clock);

}  // namespace leat
