#include "app/pipeline_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "aggregates/aggregate.h"
#include "app/column_check.h"
#include "base/text.h"

namespace leat::app {
namespace {

const DeclaredPlace* declared_of(const std::vector<DeclaredPlace>& places, const PipelineDeclared& pipeline,
                                 const std::string& aggregate) {
  // The last one: of two with one name the second is the one that is too much.
  for (auto at = places.rbegin(); at != places.rend(); ++at) {
    if (at->pipeline == pipeline.name && at->aggregate == aggregate) return &*at;
  }
  return nullptr;
}

}  // namespace

Place place_of(const std::vector<DeclaredPlace>& places, const PipelineDeclared& pipeline,
               const std::string& aggregate) {
  const DeclaredPlace* declared = declared_of(places, pipeline, aggregate);
  return declared == nullptr ? Place{} : declared->at;
}

void check_tables(const PipelineFile& file, const std::vector<DeclaredPlace>& places, Complaints& complaints) {
  struct Taken {
    std::string place;
    std::string table;
    std::string by;
  };
  std::vector<Taken> taken;
  const auto take = [&](const PipelineDeclared& pipeline, const std::string& table, const std::string& by,
                        const Place& at) {
    // What keeps nothing keeps it apart for each pipeline.
    const std::string place = pipeline.sink.kind->open_store == nullptr
                                  ? "pipeline " + pipeline.name
                                  : pipeline.sink.kind->place(pipeline.sink.settings);
    const auto same = [](char a, char b) { return std::tolower(a) == std::tolower(b); };
    for (const Taken& other : taken) {
      if (other.place == place &&
          std::equal(table.begin(), table.end(), other.table.begin(), other.table.end(), same)) {
        complaints.add(at, fmt::format("{} would fill table {} of sink {}, which {} fills already; give it a name of "
                                       "its own",
                                       by, quoted(table), quoted(pipeline.sink.name), other.by));
        return;
      }
    }
    taken.push_back({place, table, by});
  };
  for (const PipelineDeclared& pipeline : file.pipelines) {
    take(pipeline, pipeline.plan.table, fmt::format("pipeline {}", quoted(pipeline.name)),
         place_of(places, pipeline, ""));
  }
  for (const PipelineDeclared& pipeline : file.pipelines) {
    for (const AggregateSpec& spec : pipeline.plan.aggregates) {
      take(pipeline, spec.name, fmt::format("aggregate {} of pipeline {}", quoted(spec.name), quoted(pipeline.name)),
           place_of(places, pipeline, spec.name));
    }
  }
}

void check_columns(const PipelineDeclared& pipeline, const std::vector<DeclaredPlace>& places, Complaints& complaints) {
  const SourceDeclared& source = pipeline.source;
  const bool gets_more = source.kind->parents != nullptr && source.settings.has("parent");
  if (gets_more && source.added == nullptr) return;  // there are errors elsewhere
  if (pipeline.plan.aggregates.empty() && pipeline.plan.key.empty() && pipeline.transforms.empty()) return;
  const Result<std::unique_ptr<Decoder>> decoder = make_decoder(pipeline, [](NoteLevel, const std::string&) {});
  if (!decoder.ok()) {
    complaints.add({}, decoder.status().message());
    return;
  }
  if ((*decoder)->schema() == nullptr) return;  // only the data can say
  const Transforms transforms = make_transforms(pipeline, [&](const Place& at, const std::string& what) {
    complaints.add(at, what);
    return Status::bad_config(what);
  });
  const Result<SchemaPtr> bound_columns = bind_transforms(transforms, (*decoder)->schema());
  if (!bound_columns.ok()) return;  // has been complained of
  const SchemaPtr& schema = *bound_columns;
  const DeclaredPlace* written = declared_of(places, pipeline, "");
  if (written != nullptr) {
    for (const Value& column : written->by.items) check_column(column, *schema, complaints);
    if (written->value.is_text()) check_column(written->value, *schema, complaints);
  }
  for (const AggregateSpec& spec : pipeline.plan.aggregates) {
    const size_t before = complaints.count();
    const DeclaredPlace* declared = declared_of(places, pipeline, spec.name);
    if (declared != nullptr) {
      for (const Entry& entry : declared->by.entries) check_expression(entry.value, *schema, complaints);
      for (const Entry& entry : declared->value.entries) check_expression(entry.value, *schema, complaints);
    }
    if (complaints.count() != before) continue;
    if (const auto bound = Aggregate::bind(spec, *schema); !bound.ok()) {
      complaints.add(declared != nullptr ? declared->at : Place{}, bound.status().message());
    }
  }
}

}  // namespace leat::app
