#include <fmt/format.h>

#include <algorithm>

#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/run.h"
#include "base/text.h"

namespace leat::app {

int do_run(const RunCommand& command, const Surroundings& surroundings) {
  const bool terminal = surroundings.err_is_terminal;
  Talk talk(surroundings.err,
            terminal       ? Manner::terminal
            : command.once ? Manner::plain
                           : Manner::log,
            surroundings.colour, command.quiet);
  Result<PipelineFile> file = read_pipeline_file(command.file);
  if (!file.ok()) {
    Talk(surroundings.err, Manner::plain, surroundings.colour, false).message(NoteLevel::info, file.status().message());
    return 2;
  }
  std::vector<PipelineDeclared> chosen;
  std::vector<std::string_view> names;
  for (const PipelineDeclared& pipeline : file->pipelines) names.push_back(pipeline.name);
  for (const std::string& name : command.pipelines) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    surroundings.err << fmt::format("{}: there is no pipeline {}{}\n", visible(command.file), quoted(name),
                                    suggestion(name, names));
    return 2;
  }
  RunOptions options;
  options.once = command.once;
  options.json = command.json;
  for (PipelineDeclared& pipeline : file->pipelines) {
    const bool wanted = command.pipelines.empty() || std::find(command.pipelines.begin(), command.pipelines.end(),
                                                               pipeline.name) != command.pipelines.end();
    if (!wanted) continue;
    if (pipeline.plan.mode == WriteMode::replace && !command.once && !pipeline.schedule) {
      surroundings.err << fmt::format(
          "{}: pipeline {} has write = 'replace': its rows are shown when the source has ended, and one that is "
          "followed never does; give it a schedule, or run it with --once\n",
          visible(command.file), quoted(pipeline.name));
      return 2;
    }
    const std::string place = pipeline.sink.kind->place(pipeline.sink.settings);
    options.database = chosen.empty() || options.database == place ? place : "";
    chosen.push_back(std::move(pipeline));
  }
  return run_pipelines(std::move(chosen), options, surroundings, talk);
}

int do_check(const CheckCommand& command, const Surroundings& surroundings) {
  const Result<PipelineFile> file = read_pipeline_file(command.file);
  if (!file.ok()) {
    Talk(surroundings.err, Manner::plain, surroundings.colour, false).message(NoteLevel::info, file.status().message());
    return 2;
  }
  if (command.quiet) return 0;
  size_t aggregates = 0;
  for (const PipelineDeclared& pipeline : file->pipelines) aggregates += pipeline.plan.aggregates.size();
  const auto count = [](size_t number, std::string_view word) {
    return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
  };
  surroundings.out << fmt::format("ok: {}, {}, {}, {}\n", count(file->pipelines.size(), "pipeline"),
                                  count(file->sources.size(), "source"), count(file->sinks.size(), "sink"),
                                  count(aggregates, "aggregate"));
  return 0;
}

}  // namespace leat::app
