#pragma once

// Which rows of a segment BigQuery refuses (docs/formats/bigquery-sink.md, "Bisect"): its lines are loaded in halves,
// and halves of those that are refused, until single lines remain. The thread of the client.

#include <string>
#include <vector>

#include "base/status.h"
#include "sinks/bigquery_client.h"
#include "sinks/bigquery_journal.h"
#include "sinks/bigquery_step.h"

namespace leat {

struct BisectedSegment {
  std::vector<BigQueryDone> jobs;   // that have brought rows
  std::vector<RefusedRow> refused;  // in the order of the lines
};

// Whether carry_out() of a load job has failed because of its rows.
bool is_about_rows(const Status& refused);

// `whole`: the step of the segment, of which carry_out() has said `refused`. `path`: the segment's file;
// `half_path`: where a half may be written, and is removed. All rows have landed but those refused. fatal: more than
// 100 of them. Kinds as carry_out().
Result<BisectedSegment> bisect_segment(BigQueryClient& client, const BigQueryStep& whole, const Status& refused,
                                       const std::string& path, const std::string& half_path);

}  // namespace leat
