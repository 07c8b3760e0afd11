#include <fmt/format.h>

#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/run.h"
#include "app/saved_file.h"
#include "base/redaction.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "decoders/web_log.h"
#include "lookup/time_zone.h"
#include "os/clock.h"
#include "os/file_system.h"
#include "os/process.h"

namespace leat::app {
namespace {

constexpr const char* kPipeline = "logs";

// The first run on a database decides: its days are cut in the zone of the machine it ran on, for good.
std::string zone_for(const std::string& database) {
  const auto store = open_database(database);
  if (!store.ok()) return TimeZone::machine_zone();
  const auto pipelines = (*store)->pipelines();
  if (!pipelines.ok()) return TimeZone::machine_zone();
  for (const PipelineState& state : *pipelines) {
    if (state.pipeline != kPipeline) continue;
    for (size_t i = 0; i < state.aggregates.size() && i < state.timezones.size(); ++i) {
      if (state.aggregates[i] == "visitors_per_day") return state.timezones[i];
    }
  }
  return TimeZone::machine_zone();
}

// A server's own format string, not a name.
bool is_layout(const std::string& format) {
  return format.find_first_of("$%") != std::string::npos;
}

// The pipeline file that does the same.
Value tree_of(const LogsCommand& command, const std::string& directory, const std::string& zone) {
  Value root;
  Value web;
  web.set("type", Value::of("file"));
  std::vector<std::string> files;
  for (const std::string& file : command.files) files.push_back(absolute_path(directory, file));
  web.set("include", Value::list_of(std::move(files)));
  if (is_layout(command.format)) {
    Value format;
    format.set("type", Value::of("web_log"));
    format.set("log_format", Value::of(command.format));
    web.set("format", std::move(format));
  } else if (!command.format.empty()) {
    web.set("format", Value::of(command.format));
  }
  Value db;
  db.set("type", Value::of(std::string(kind_of_database(command.to).name)));
  db.set("path", Value::of(absolute_path(directory, command.to)));
  Value logs;
  logs.set("from", Value::of("web"));
  logs.set("to", Value::of("db." + command.table));
  root.set("sources", Value()).set("web", std::move(web));
  root.set("sinks", Value()).set("db", std::move(db));
  root.set("pipelines", Value()).set(kPipeline, std::move(logs));
  Value aggregates;
  for (const AggregateSpec& spec : standard_aggregates(kPipeline, zone)) {
    Value aggregate;
    aggregate.set("from", Value::of(spec.pipeline));
    Value by;
    for (const NamedExpression& key : spec.by) by.set(key.name, Value::of(key.expression));
    aggregate.set("by", std::move(by));
    Value value;
    for (const NamedExpression& measure : spec.value) value.set(measure.name, Value::of(measure.expression));
    aggregate.set("value", std::move(value));
    aggregate.set("timezone", Value::of(spec.timezone));
    aggregates.set(spec.name, std::move(aggregate));
  }
  root.set("aggregates", std::move(aggregates));
  return root;
}

// Why a run to the end would read nothing at all, a line each; empty when it would read something.
Result<std::string> nothing_to_read(const PipelineDeclared& pipeline) {
  const Note silent = [](NoteLevel, const std::string&) {};
  LEAT_ASSIGN(const std::unique_ptr<Decoder> decoder, make_decoder(pipeline, silent));
  const auto source =
      pipeline.source.kind->make(pipeline.source.settings, {os::file_system(), os::clock(), silent, 0, ""});
  const auto make_cutter = [&](const std::string& origin) { return decoder->make_cutter(origin); };
  LEAT_TRY(source->open({{}, make_cutter, true}));
  LEAT_ASSIGN(const std::vector<PartOutline> parts, source->outline());
  std::vector<std::string> troubles;
  for (const PartOutline& part : parts) {
    if (part.state != PartOutline::State::trouble) return std::string();
    troubles.push_back(part.why);
  }
  return join(troubles, "\n");
}

}  // namespace

int do_logs(const LogsCommand& command, const Surroundings& surroundings) {
  const bool terminal = surroundings.err_is_terminal;
  Talk talk(surroundings.err,
            terminal       ? Manner::terminal
            : command.once ? Manner::plain
                           : Manner::log,
            surroundings.colour, command.quiet);
  const auto refuse = [&](const std::string& text) {
    surroundings.err << "leat logs: " << text << "\nsee: leat logs --help\n";
    return 2;
  };
  if (const std::string_view missing = kind_of_database(command.to).missing; !missing.empty()) {
    return refuse(
        fmt::format("{}: {}; or give --to a name that ends in .db, for SQLite", visible(command.to), missing));
  }
  if (command.to.ends_with('/') || command.to.find("://") != std::string::npos) {
    return refuse(fmt::format(
        "--to {}: logs go into a database in a file, web.db or web.duckdb; for any other sink write a pipeline "
        "file, to which --save shows the way",
        visible(shown_url(command.to))));
  }
  std::vector<std::string_view> formats;
  for (const FormatName& format : format_names()) formats.push_back(format.name);
  if (is_layout(command.format)) {
    size_t at = 0;
    size_t length = 0;
    const std::string trouble = trouble_with_log_format(command.format, &at, &length);
    if (!trouble.empty()) {
      const Place place{1, static_cast<uint32_t>(at) + 1, static_cast<uint32_t>(length)};
      return refuse(fmt::format("--format: {}\n{}", trouble, excerpt(command.format, place)));
    }
  } else if (!command.format.empty() && std::find(formats.begin(), formats.end(), command.format) == formats.end()) {
    return refuse(fmt::format("unknown format {}{}", quoted(command.format), suggestion(command.format, formats)));
  }
  const std::string directory = os::current_directory();
  const Value root = tree_of(command, directory, zone_for(absolute_path(directory, command.to)));
  Complaints complaints("leat logs", "");
  PipelineFile file = plan_pipelines(root, directory, complaints);
  if (!complaints.empty()) {
    surroundings.err << complaints.text() << "\nsee: leat logs --help\n";
    return 2;
  }
  if (!command.save.empty()) {
    if (const Status saved = save_pipeline_file(root, command.save); !saved.ok()) {
      talk.message(NoteLevel::error, saved.message());
      return saved.kind() == Kind::bad_config ? 2 : 1;
    }
    talk.note(NoteLevel::info, "saved", kPipeline,
              fmt::format("{} does the same: leat run {}", command.save, command.save));
  }
  // No database is made in which only that would be said.
  if (const auto there = os::file_system().info(absolute_path(directory, command.to), os::Links::follow);
      command.once && there.ok() && !*there) {
    const Result<std::string> troubles = nothing_to_read(file.pipelines[0]);
    if (troubles.ok() && !troubles->empty()) {
      talk.message(NoteLevel::error, *troubles);
      return 1;
    }
  }
  const int status =
      run_pipelines(std::move(file.pipelines), {.once = command.once, .database = command.to}, surroundings, talk);
  take_back_saved_file(command.save, status, talk);
  return status;
}

}  // namespace leat::app
