#pragma once

// A pipeline's row in _leat_pipelines, and the guard against a second writer (docs/formats/postgres.md, "Two writers").
// Owned by the sink; the sink's thread.

#include <cstdint>
#include <memory>
#include <string>

#include "db/postgres.h"
#include "flow/sink.h"

namespace leat {

class PostgresClaim {
 public:
  // Within a transaction: makes the pipeline's row or checks it, and makes this process its writer; the connection
  // keeps a lock that tells others so. bad_config: the table belongs to another pipeline, the pipeline to another
  // table, or it is written in another mode. fatal: another process runs it. retry: the server still keeps a lock of
  // one that is gone.
  static Result<std::unique_ptr<PostgresClaim>> take(const PostgresDatabase& db, const SinkPlan& plan);

  // First in each transaction that writes: nobody else gets past this until it ends. fatal: another process has taken
  // the pipeline; the message names it.
  Status check();
  // Last before COMMIT: `next_row` and the rate are kept, the last error is forgotten. fatal: as check().
  Status advance(int64_t next_row, double rows_per_second, int64_t now_micros);
  // The pipeline ended well, if it is still ours.
  Status release(int64_t now_micros);

  // Keeps a trouble for `status`. Needs no claim: another connection may do it.
  static Status note_trouble(const PostgresDatabase& db, const std::string& pipeline, const std::string& message,
                             int64_t now_micros);

  [[nodiscard]] int64_t sequence() const { return sequence_; }
  [[nodiscard]] int64_t next_row() const { return next_row_; }

 private:
  PostgresClaim(const PostgresDatabase& db, std::string pipeline) : db_(&db), pipeline_(std::move(pipeline)) {}
  Status lost() const;

  const PostgresDatabase* db_;
  std::string pipeline_;
  int64_t sequence_ = 0;
  int64_t next_row_ = 1;
};

// The number of the lock that a connection holds while it runs a pipeline.
int64_t postgres_lock(const PostgresDatabase& db, const std::string& pipeline);

}  // namespace leat
