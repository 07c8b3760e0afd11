#pragma once

// A pipeline file, read and checked as a whole: what it declares, ready to be made. Reading it opens the file itself
// and what `${file:…}` names, nothing else. Plain values; one thread.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/serve_options.h"
#include "base/status.h"
#include "catalog/catalog.h"
#include "config/complaints.h"
#include "config/value.h"
#include "flow/sink.h"
#include "lookup/schedule.h"

namespace leat::app {

struct SourceDeclared {
  std::string name;
  const SourceKind* kind = nullptr;
  Settings settings;
  const DecoderKind* decoder = nullptr;
  Settings decoder_settings;
  std::optional<std::string> site;  // of the column `site`: its text, empty for the file's name; none: no such column
  SchemaPtr added = nullptr;        // columns that its records get from the rows they are asked for by; null: none
  // Of one that reads a table, or asks for its rows:
  std::string upstream;         // the pipeline of this file that fills it; empty: none does
  SchemaPtr columns = nullptr;  // those that it has; null: only the table can say
};

struct SinkDeclared {
  std::string name;
  const SinkKind* kind = nullptr;
  Settings settings;
};

struct TransformDeclared {
  const TransformKind* kind = nullptr;
  Settings settings;
};

struct PipelineDeclared {
  std::string name;
  SourceDeclared source;
  SinkDeclared sink;
  std::vector<TransformDeclared> transforms;
  SinkPlan plan;  // but the schema, which the decoder and the transforms bring
  bool raw = true;
  CommitRule commit;
  std::optional<Schedule> schedule;
  uint64_t full_every_ms = 0;                 // of full pulls that reconcile; 0: none
  std::shared_ptr<const Complaints> written;  // knows the file and its text, and complains of nothing
};

struct PipelineFile {
  std::string name;  // as the user gave it
  std::vector<SourceDeclared> sources;
  std::vector<SinkDeclared> sinks;
  std::vector<PipelineDeclared> pipelines;  // in the order of the file
  ServeDeclared serve;
};

// bad_config: it is the address of something, which is shown without its password.
Status check_is_path(const std::string& target);

// bad_config: it cannot be read, or all that is wrong with it, each with line and caret.
Result<PipelineFile> read_pipeline_file(const std::string& path);

// The same from a tree; relative paths begin at `directory`.
PipelineFile plan_pipelines(const Value& root, const std::string& directory, Complaints& complaints);

// The decoder of a pipeline, with what the source adds to its columns.
Result<std::unique_ptr<Decoder>> make_decoder(const PipelineDeclared& pipeline, const Note& note);

// Its transforms, which complain through `blame`; without one, with the place in the pipeline's file.
using Transforms = std::vector<std::unique_ptr<Transform>>;
Transforms make_transforms(const PipelineDeclared& pipeline, const Blame& blame = nullptr);
// The columns behind them all.
Result<SchemaPtr> bind_transforms(const Transforms& transforms, SchemaPtr columns);

// What the sections [pipelines.NAME] and [aggregates.NAME] may hold.
std::span<const Option> pipeline_options();
std::span<const Option> aggregate_options();

// The option `reconcile` of a pipeline whose source and write mode are known.
void take_reconcile(const Settings& settings, PipelineDeclared& pipeline, Complaints& complaints);

// Those that `standard_aggregates = true` and `leat logs` keep (docs/configuration.md).
std::vector<AggregateSpec> standard_aggregates(const std::string& pipeline, const std::string& timezone);

}  // namespace leat::app
