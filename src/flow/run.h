#pragma once

// One run of a pipeline that has a schedule, as its sink keeps it. Plain value; any thread.

#include <cstdint>
#include <optional>
#include <string>

namespace leat {

struct PipelineRun {
  int64_t started_micros = 0;  // as the clock stood
  int64_t ended_micros = 0;
  std::string error;                   // empty: it went well
  std::optional<int64_t> next_micros;  // when the next one is due
  friend bool operator==(const PipelineRun&, const PipelineRun&) = default;
};

}  // namespace leat
