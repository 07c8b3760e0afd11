#pragma once

// The dataset and the table that a pipeline fills: made when they are missing, else compared. The thread of the client.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "sinks/bigquery_client.h"

namespace leat {

struct BigQueryTable {
  std::string dataset;
  std::string table;
  std::string location;      // of a dataset that is made; then that of the dataset
  std::string fields;        // BigQueryRows::fields_json()
  std::string partition_by;  // a column of type time; empty: none
  std::string partition;     // DAY, HOUR, MONTH, YEAR
  std::vector<std::string> cluster_by;
};

// Fills in `location`. bad_config: it may not be made, or it has a column of another type. Columns that are missing
// come with the first load job, or with `add_columns` now.
Status make_bigquery_table(BigQueryClient& client, BigQueryTable& table, bool add_columns);

// "fields":[…] of a table that is there. bad_config: it is not partitioned as `table` says.
Result<std::string> read_partitioned_fields(BigQueryClient& client, const BigQueryTable& table);

// Ok as well when it is not there.
Status drop_bigquery_table(BigQueryClient& client, const std::string& dataset, const std::string& table);

// Where the data of a dataset is. bad_config: it is not there, or may not be looked at.
Result<std::string> find_bigquery_location(BigQueryClient& client, const std::string& dataset);

// The line of leat in the table's description; empty: there is none.
Result<std::string> read_bigquery_mirror(BigQueryClient& client, const BigQueryTable& table);
// What else stands in the description stays. `text`: what the line says in so many characters at most.
Status write_bigquery_mirror(BigQueryClient& client, const BigQueryTable& table,
                             const std::function<std::string(size_t)>& text);

}  // namespace leat
