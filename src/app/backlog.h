#pragma once

// How far a pipeline is in the files that are still where they were last seen. Looks at their sizes only; one thread.

#include <cstdint>
#include <optional>

#include "flow/store.h"

namespace leat::app {

struct Backlog {
  uint64_t behind = 0;  // bytes not yet taken
  uint64_t taken = 0;
};

// The source reads a table: its positions are numbers of rows, not bytes.
bool counts_rows(const Position& position);

// Nothing when no file can be looked at. The newest part of each place counts; a compressed file is a finished one.
std::optional<Backlog> backlog_of(const PipelineState& state);

}  // namespace leat::app
