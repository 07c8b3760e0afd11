#pragma once

// What a table's description says of the journal that fills it, and how a pipeline goes on when that journal is lost
// (docs/formats/bigquery-sink.md, "When the journal is lost"). The thread of the client.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "data/position.h"
#include "sinks/bigquery_client.h"

namespace leat {

// Rows of a part in a segment, so that verify() can compare them with those of the table.
struct BigQueryTally {
  // Sums of them stay below 2^63 for 2^32 rows, in BigQuery's arithmetic as well.
  static constexpr uint64_t kModulus = 2'147'483'647;

  uint64_t rows = 0;
  uint64_t offsets = 0;  // the sum of them, each modulo kModulus
  void add(uint64_t offset) {
    ++rows;
    offsets += offset % kModulus;
  }
};

struct MirroredPart {
  Position position;
  BigQueryTally tally;     // of all segments
  Ranges ranges;           // in their order, from 0 to the position
  bool forgotten = false;  // is no part any more when its rows are out of the table
};

// Rows that are to be taken out of the table again.
struct BigQueryUndo {
  static constexpr uint64_t kWholePart = INT64_MAX;  // as `end`: it was rewound

  int64_t number = 0;
  uint64_t segment = 0;   // the last one that has some of them
  std::string part;       // empty: of all parts
  uint64_t from = 0;      // offsets
  uint64_t end = 0;       //
  bool measured = false;  // how many there are of a part is known
  BigQueryTally tally;    // of them, when it is
};

struct MirroredBooks {
  std::string pipeline;
  std::vector<MirroredPart> parts;
  std::vector<BigQueryUndo> undos;  // that may not be carried out yet, in the order of their numbers
};

// What of an earlier life's undoing had landed, up to number `last`, is done.
void settle_undos(MirroredBooks& books, int64_t last);

struct BigQueryMirror {
  std::string generation;
  uint64_t segment = 0;                // up to which all is in the table
  std::optional<MirroredBooks> books;  // as of its end; nothing: they were too large
};

// At the end of a text without books.
constexpr std::string_view kNoBooks = " -";
// At most `room` characters, of which the books are left out when they do not fit.
std::string mirror_text(const BigQueryMirror& mirror, size_t room);
// bad_config: it is not what mirror_text() has made.
Result<BigQueryMirror> parse_mirror(std::string_view text);

struct EarlierJobs {
  uint64_t last = 0;    // the segment of the last one that was asked for
  bool landed = false;  // some have brought rows
};

// Sees to it that no job of one step behind `segment` of an earlier life ever runs: those that were asked for are
// waited for, and the next id is used up. `id_of`: the id of a segment's step, but for the attempt. Kinds as
// BigQueryClient.
Result<EarlierJobs> end_earlier_jobs(BigQueryClient& client, const std::string& location, uint64_t segment,
                                     const std::function<std::string(uint64_t)>& id_of);

}  // namespace leat
