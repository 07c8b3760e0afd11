#pragma once

// Runs pipelines side by side, each with its own engine and thread, and says how it goes. One call at a time.

#include <string>
#include <vector>

#include "app/command.h"
#include "app/pipeline_file.h"
#include "app/talk.h"

namespace leat::app {

struct RunOptions {
  bool once = false;
  // For people: the database as it was given, so that a hint can be pasted into a shell.
  std::string database;
};

// Until all have ended or a stop. 0: all well (also with rejects); 1: something failed; 2: something must be changed by
// the user first. What failed is said on stderr, last.
int run_pipelines(std::vector<PipelineDeclared> pipelines, const RunOptions& options, const Surroundings& surroundings,
                  Talk& talk);

}  // namespace leat::app
