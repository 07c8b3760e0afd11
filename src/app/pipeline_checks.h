#pragma once

// What can be said of pipelines only when all of a file is read: that their tables do not get in each other's way, and
// that the columns they name are there. The thread that reads the file.

#include <string>
#include <vector>

#include "app/pipeline_file.h"

namespace leat::app {

// Where the table of a pipeline, or one of its aggregates, is declared.
struct DeclaredPlace {
  std::string pipeline;
  std::string aggregate;  // empty: the pipeline's own table
  Place at;
  Value by;     // of the pipeline itself: its key
  Value value;  // of the pipeline itself: newest
};

// Nothing: it is not known.
Place place_of(const std::vector<DeclaredPlace>& places, const PipelineDeclared& pipeline,
               const std::string& aggregate);

// Every table of a sink belongs to one pipeline or aggregate.
void check_tables(const PipelineFile& file, const std::vector<DeclaredPlace>& places, Complaints& complaints);

// What names columns, as far as these are known without the data: transforms, the key, `newest`, aggregates.
void check_columns(const PipelineDeclared& pipeline, const std::vector<DeclaredPlace>& places, Complaints& complaints);

}  // namespace leat::app
