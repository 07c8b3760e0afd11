#include <fmt/format.h>

#include "app/pipeline_file.h"
#include "base/text.h"

namespace leat::app {

Transforms make_transforms(const PipelineDeclared& pipeline, const Blame& blame) {
  const Blame in_file = [written = pipeline.written](const Place& at, const std::string& what) {
    Complaints complaints = *written;
    complaints.add(at, what);
    return complaints.status();
  };
  Transforms transforms;
  for (size_t i = 0; i < pipeline.transforms.size(); ++i) {
    const TransformDeclared& declared = pipeline.transforms[i];
    const std::string where =
        fmt::format("pipeline {}, transform {} ({}): ", quoted(pipeline.name), i + 1, declared.kind->name);
    transforms.push_back(declared.kind->make(
        declared.settings, [where, say = blame ? blame : in_file](const Place& at, const std::string& what) {
          return say(at, where + what);
        }));
  }
  return transforms;
}

Result<SchemaPtr> bind_transforms(const Transforms& transforms, SchemaPtr columns) {
  for (const auto& transform : transforms) {
    LEAT_ASSIGN(columns, transform->bind(columns));
  }
  return columns;
}

}  // namespace leat::app
