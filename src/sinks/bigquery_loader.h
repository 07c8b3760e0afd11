#pragma once

// Carries out what the journal says: sealed segments come into the table, and the table's description says how far
// (docs/formats/bigquery-sink.md, "States of a segment", 4 and 5, and "When the journal is lost"). One thread at a
// time.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "flow/note.h"
#include "sinks/bigquery_bisection.h"
#include "sinks/bigquery_client.h"
#include "sinks/bigquery_journal.h"
#include "sinks/bigquery_merge.h"
#include "sinks/bigquery_mirror.h"
#include "sinks/bigquery_partitions.h"
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
        generation_(journal.generation()),
        pipeline_(std::move(pipeline)),
        table_(std::move(table)),
        key_(std::move(key)),
        mirrored_(mirrored),
        folder_(std::move(folder)),
        note_(std::move(note)) {}

  // The sink's thread: compares the journal with what the table's description says; one that is lost is restored from
  // it. fatal: they do not fit.
  Status open();
  // The sink's thread: the pull is complete, and what it has brought becomes the content of `table`, at once; where the
  // journal has partitions, of these alone, each at once.
  Status replace(const std::string& table);

  // These do not touch the journal.

  // A sealed one: all of its rows are in the table, but those refused. Kinds as carry_out(); fatal where rows are
  // refused that cannot become rejects.
  Result<BisectedSegment> load(const BigQuerySegment& segment);
  // Removes what may be left of one that is loaded, or of which nothing was committed.
  Status forget(uint64_t segment);
  // How many rows each segment has brought of those that are to be taken out. Those of a mirrored past are of its last
  // segment, `mirrored`.
  Result<BigQuerySegmentTallies> measure(const BigQueryUndo& undo, uint64_t mirrored);
  // They are gone, by this job.
  Result<BigQueryDone> undo(const BigQueryUndo& undo);
  // All segments up to this one are loaded. False: there was no room for the books.
  Result<bool> write_mirror(uint64_t segment, MirroredBooks books);
  // Those that the table has rows in.
  Result<BigQueryPartitions> find_partitions();
  [[nodiscard]] bool is_mirrored() const { return mirrored_; }

 private:
  Status take_over(BigQueryMirror mirror);
  Result<bool> end_earlier_life(BigQueryMirror& mirror);
  Result<BigQueryDone> merge(const BigQuerySegment& segment);
  Status mirror_journal(uint64_t segment);
  // `suffix`: nothing, or '$' and a partition.
  Result<BigQueryDone> copy_to(const std::string& table, const std::string& suffix);
  [[nodiscard]] std::string step_name(const std::string& generation, uint64_t segment, std::string_view step) const;

  // Where the rows of a segment wait for their MERGE.
  [[nodiscard]] std::string staged_table(const std::string& generation, uint64_t segment) const;
  // With project and dataset.
  [[nodiscard]] std::string full_name(const std::string& table) const;

  BigQueryClient* client_;
  BigQueryJournal* journal_;
  std::string generation_;
  std::string pipeline_;
  BigQueryTable table_;
  BigQueryKey key_;
  bool mirrored_;
  std::string folder_;
  Note note_;
};

}  // namespace leat
