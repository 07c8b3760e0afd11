#pragma once

// The tables that a sink hands over when a run has ended, as text for people or as JSON. Pure functions; any thread.

#include <string>

#include "base/json_writer.h"
#include "flow/results.h"

namespace leat::app {

constexpr size_t kMostRows = 20;

// Each table aligned below its name; without `most_rows` all in the order of the keys, of longer ones those with the
// largest first measure. Every byte visible.
std::string results_text(const Results& results, size_t most_rows = kMostRows);

// [{"table": NAME, "columns": […], "rows": [[…], …]}, …], each table whole, in the order of its keys.
void results_to_json(JsonWriter& json, const Results& results);

}  // namespace leat::app
