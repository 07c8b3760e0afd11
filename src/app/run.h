#pragma once

// Runs pipelines side by side, each with its own engine and thread, and says how it goes. One call at a time.

#include <string>
#include <string_view>
#include <vector>

#include "app/command.h"
#include "app/pipeline_file.h"
#include "app/talk.h"

namespace leat::app {

struct RunOptions {
  bool once = false;
  // What is said when a signal ends such a run.
  std::string when_stopped = "stopped by a signal; the same command goes on where this one has stopped";
  // What is said when all was read by an earlier run.
  std::string_view when_nothing_new{};
  // For people: the database as it was given, so that a hint can be pasted into a shell; may hold a password.
  std::string database;
  // What sinks without a place of their own have counted is printed as one JSON document, else as tables.
  bool json = false;
};

// Until all have ended or a stop; then what sinks without a place of their own have counted is printed on stdout. 0:
// all well (also with rejects); 1: something failed, or a signal has ended a run with `once`; 2: something must be
// changed by the user first. What failed is said on stderr, last.
int run_pipelines(std::vector<PipelineDeclared> pipelines, const RunOptions& options, const Surroundings& surroundings,
                  Talk& talk);

}  // namespace leat::app
