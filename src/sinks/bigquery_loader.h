#pragma once

// Carries out what the journal says: sealed segments come into the table, and the table's description says how far
// (docs/formats/bigquery-sink.md, "States of a segment", 4 and 5, and "When the journal is lost"). The sink's thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "flow/note.h"
#include "sinks/bigquery_client.h"
#include "sinks/bigquery_journal.h"
#include "sinks/bigquery_merge.h"
#include "sinks/bigquery_mirror.h"
#include "sinks/bigquery_table.h"

namespace leat {

constexpr std::string_view kBigQuerySegmentName = ".ndjson.gz";
constexpr std::string_view kBigQueryHalfName = ".half.ndjson";
std::string bigquery_segment_path(const std::string& folder, uint64_t segment);

class BigQueryLoader {
 public:
  // `folder`: of the segments; `mirrored`: whether the table's description says how far it is. The client and the
  // journal outlive it.
  BigQueryLoader(BigQueryClient& client, BigQueryJournal& journal, std::string pipeline, BigQueryTable table,
                 BigQueryKey key, bool mirrored, std::string folder, Note note)
      : client_(&client),
        journal_(&journal),
        pipeline_(std::move(pipeline)),
        table_(std::move(table)),
        key_(std::move(key)),
        mirrored_(mirrored),
        folder_(std::move(folder)),
        note_(std::move(note)) {}

  // Compares the journal with what the table's description says; one that is lost is restored from it. fatal: they do
  // not fit.
  Status open();

  // A sealed one: its rows are in the table, its file is gone. Kinds as carry_out(); fatal where rows are refused that
  // cannot become rejects.
  Status load(const BigQuerySegment& segment);

  // The pull is complete: what it has brought becomes the content of `table`, at once.
  Status replace(const std::string& table);

  // Takes rows out that came in vain, where all of them are in the table.
  Status undo();

  // Removes what may be left of one that is loaded, or of which nothing was committed.
  Status forget(uint64_t segment);

 private:
  Status take_over(const BigQueryMirror& mirror);
  Result<bool> end_earlier_life(const BigQueryMirror& mirror);
  Result<BigQuerySegmentTallies> measure(const std::string& where);
  Status merge(const BigQuerySegment& segment, std::vector<BigQueryDone>& jobs);
  Status write_mirror(uint64_t segment);
  [[nodiscard]] std::string step_name(const std::string& generation, uint64_t segment, std::string_view step) const;

  // Where the rows of a segment wait for their MERGE.
  [[nodiscard]] std::string staged_table(const std::string& generation, uint64_t segment) const;
  // With project and dataset.
  [[nodiscard]] std::string full_name(const std::string& table) const;

  BigQueryClient* client_;
  BigQueryJournal* journal_;
  std::string pipeline_;
  BigQueryTable table_;
  BigQueryKey key_;
  bool mirrored_;
  std::string folder_;
  Note note_;
  bool warned_ = false;  // that the mirror has no room
};

}  // namespace leat
