#pragma once

// A SELECT in BigQuery and its whole answer, or a change of a schema, which may be done twice. The thread of the
// client, which waits.

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "sinks/bigquery_client.h"

namespace leat {

// Cells as the API writes them; NULL is empty.
using BigQueryCells = std::vector<std::vector<std::string>>;

// bad_config: BigQuery refuses it, or the table is not there. retry: it has not passed in time.
Result<BigQueryCells> select_from_bigquery(BigQueryClient& client, const std::string& sql, const std::string& location);

// A text as a literal of its SQL.
std::string bigquery_text(std::string_view text);

}  // namespace leat
