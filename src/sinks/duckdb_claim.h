#pragma once

// A pipeline's row in _leat_pipelines, and the guard against a second writer (docs/formats/database.md, "Two writers").
// Owned by the sink; the sink's thread.

#include <cstdint>
#include <memory>
#include <string>

#include "db/duckdb.h"
#include "flow/sink.h"

namespace leat {

class DuckDbClaim {
 public:
  // Within a transaction: makes the pipeline's row or checks it, and makes this process its writer. No other process
  // can be one: it could not open the file. bad_config: the table belongs to another pipeline, the pipeline to another
  // table, or it is written in another mode.
  static Result<std::unique_ptr<DuckDbClaim>> take(const DuckDb& db, const SinkPlan& plan);

  // First in each transaction that writes. fatal: the pipeline was taken by somebody else.
  Status check();
  // Last before COMMIT: `next_row` and the rate are kept, the last error is forgotten. fatal: as check().
  Status advance(int64_t next_row, double rows_per_second, int64_t now_micros);
  // The pipeline ended well, if it is still ours.
  Status release(int64_t now_micros);

  // Keeps a trouble for `status`. Needs no claim: another connection may do it.
  static Status note_trouble(const DuckDb& db, const std::string& pipeline, const std::string& message,
                             int64_t now_micros);

  [[nodiscard]] int64_t sequence() const { return sequence_; }
  [[nodiscard]] int64_t next_row() const { return next_row_; }

 private:
  DuckDbClaim(const DuckDb& db, std::string pipeline) : db_(&db), pipeline_(std::move(pipeline)) {}
  [[nodiscard]] Status lost() const;

  const DuckDb* db_;
  std::string pipeline_;
  int64_t sequence_ = 0;
  int64_t next_row_ = 1;
};

}  // namespace leat
