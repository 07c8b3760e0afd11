#pragma once

// From the options of a sink to a client of BigQuery, for the sink and its store. The thread of the client.

#include <memory>
#include <stop_token>

#include "os/http_client.h"
#include "sinks/bigquery.h"
#include "sinks/bigquery_client.h"

namespace leat {

struct BigQueryConnection {
  std::unique_ptr<os::HttpClient> http;  // before what uses it
  std::unique_ptr<BigQueryClient> client;
};

// Nothing is asked yet. `stop` ends what is asked (stopped). bad_config: no credentials, or none that name a project.
Result<BigQueryConnection> connect_bigquery(const BigQueryOptions& options, const Environment& environment,
                                            os::Clock& clock, std::stop_token stop = {});

// Of a job's id, of a folder: letters, digits, '-' and '_' of a name, at most 100. Not injective: the generation behind
// it is.
std::string bigquery_id_part(std::string_view name);
// The folder of a pipeline's journal and segments.
std::string bigquery_folder(const BigQueryOptions& options, std::string_view pipeline);
std::string bigquery_journal_path(const BigQueryOptions& options, std::string_view pipeline);

}  // namespace leat
