#pragma once

// The rows of a table in BigQuery against what the journal says of them (docs/formats/bigquery-sink.md, "What verify
// proves"). One thread.

#include <string>
#include <utility>

#include "db/sqlite.h"
#include "flow/store.h"
#include "sinks/bigquery_client.h"
#include "sinks/bigquery_partitions.h"

namespace leat {

// Adds to `report` the rows that are there and what does not fit. `db`: the journal; `by`: how the table is
// partitioned.
Status verify_bigquery_rows(const SqliteDatabase& db, BigQueryClient& client, const std::string& dataset,
                            const BigQueryPartitioning& by, const std::string& pipeline, const std::string& table,
                            VerifyReport& report);

}  // namespace leat
