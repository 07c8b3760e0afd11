#pragma once

// Pipelines that read what others of the same file have written (sources of type `table`). Pure; one thread.

#include <string>
#include <vector>

#include "app/pipeline_file.h"

namespace leat::app {

// Says to every such source, and to the pipelines that use it, which table it reads, who fills that, and which columns
// it has as far as the file says so. `names`: of all pipelines, also of those with errors. Complains of what cannot be
// read, and of those who would read what they write themselves.
void link_pipelines(PipelineFile& file, const std::vector<std::string>& names, Complaints& complaints);

}  // namespace leat::app
