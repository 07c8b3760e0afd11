#pragma once

// Runs one pipeline: a thread reads, one writes, as many as there are cores decode and prepare, with one
// bounded queue, commits by the commit rule, and starts again after a failure: the one retry place
// (docs/ARCHITECTURE.md, "The engine"). run() is called by one thread, which becomes the sink's; live() by any thread.

#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "flow/decoder.h"
#include "flow/note.h"
#include "flow/sink.h"
#include "flow/source.h"
#include "flow/transform.h"
#include "os/clock.h"

namespace leat {

// Borrowed; all must outlive the Engine. plan.schema and plan.source_schema are filled in by the engine.
struct Line {
  Source* source = nullptr;
  Decoder* decoder = nullptr;
  Sink* sink = nullptr;
  SinkPlan plan;
  std::vector<Transform*> transforms = {};  // between decoder and sink, in order
};

struct EngineOptions {
  bool once = false;                // end when the source has nothing more now
  uint64_t commit_rows = 32768;     // commit after so many records …
  uint64_t commit_every_ms = 1000;  // … or so long after the first one not yet committed …
  bool commit_when_idle = true;     // … or when the source has nothing new; always at the end, or at a stop
  size_t queue_batches = 8;         // also those being decoded
  uint64_t queue_bytes = 8 * 1024 * 1024;
  std::optional<size_t> decode_threads;  // 0: the reader decodes; absent: by the machine's cores
  uint64_t first_backoff_ms = 200;       // doubled at each failure in a row, up to:
  uint64_t longest_backoff_ms = 30'000;
  uint32_t attempts = 0;  // failures in a row without progress, of all or of one part, before giving up; 0: never
  bool restart_after_each_commit = false;  // for tests: every commit is followed by rollback and open
};

enum class Phase : uint8_t { starting, reading, waiting_for_data, waiting_to_retry, ended };

struct LiveStatus {
  Phase phase = Phase::starting;
  uint64_t rows = 0;      // committed by this run
  uint64_t updated = 0;   // of them: took over the row with their key
  uint64_t rejects = 0;   // committed by this run
  uint64_t ignored = 0;   // committed by this run: their keys were there
  uint64_t filtered = 0;  // committed by this run
  uint64_t bytes = 0;     // committed by this run
  uint64_t commits = 0;
  uint64_t retries = 0;
  std::optional<Windows> windows;         // of the source
  std::optional<uint64_t> backlog_bytes;  // not yet committed, as far as known
  std::optional<uint64_t> since_commit_ms;
  std::string trouble;  // why it waits to retry, or one of its parts does
};

class Engine {
 public:
  Engine(Line line, EngineOptions options, os::Clock& clock, Note note);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // Until the source ends, a stop, or a failure that going on cannot mend. A stop (after what was read is committed)
  // is ok. May be called again: another run, whose counts are added.
  Status run(const std::stop_token& stop);
  [[nodiscard]] LiveStatus live() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace leat
