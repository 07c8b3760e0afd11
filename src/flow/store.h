#pragma once

// Reading, proving and mending what a sink keeps, from the target alone: for status, verify, rebuild, the server. A
// Store never changes rows that a sink has written. One thread; several Stores may be open beside a running Sink.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/position.h"

namespace leat {

struct PartState {
  Position position;
  Counts counts;  // over all ranges of the part, the provisional record included
  uint64_t gap_bytes = 0;
};

struct PipelineState {
  std::string pipeline;
  std::string table;
  std::string writer;                       // who runs or last ran it: "pid 123 on host"
  bool running = false;                     // the writer is alive on this machine
  std::optional<int64_t> committed_micros;  // time of the last commit
  double rows_per_second = 0;               // as of the last commit
  std::string last_error;                   // empty: none since the last commit
  std::optional<int64_t> error_micros;
  std::vector<PartState> parts;         // in the order in which they were first seen
  std::vector<std::string> aggregates;  // names
  std::vector<std::string> timezones;   // of the aggregates, in the same order
};

struct VerifyReport {
  uint64_t records = 0;
  uint64_t rows = 0;
  uint64_t rejects = 0;
  uint64_t filtered = 0;
  uint64_t ignored = 0;
  uint64_t lost = 0;
  uint64_t doubled = 0;
  uint64_t gap_bytes = 0;
  uint64_t aggregate_problems = 0;    // how many of them rebuild() mends
  std::vector<std::string> problems;  // each names the table, the part and the numbers; empty: proven
};

struct RebuildRequest {
  std::vector<std::string> pipelines;  // empty: all
  std::string aggregate;               // empty: all
};

struct Rebuilt {
  std::string pipeline;
  std::string aggregate;
  uint64_t buckets = 0;
  uint64_t rows = 0;  // that it was made from
};

// done and total in rows; total may be an estimate.
using StoreProgress = std::function<void(uint64_t done, uint64_t total)>;

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  virtual Result<std::vector<PipelineState>> pipelines() = 0;
  // Checks all pipelines in one snapshot (docs/formats/database.md, "What verify proves").
  virtual Result<VerifyReport> verify(const StoreProgress& progress) = 0;
  // Makes aggregates again from their rows, all in one transaction: what was not mended is as it was. Nothing is
  // counted meanwhile: whoever wants to run one of the pipelines waits. bad_config: there is no such aggregate (with
  // what there is). fatal: another process runs one of the pipelines. retry: the target is locked or full.
  virtual Result<std::vector<Rebuilt>> rebuild(const RebuildRequest& request, const StoreProgress& progress) = 0;
};

}  // namespace leat
