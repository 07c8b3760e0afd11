#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "app/backlog.h"
#include "app/commands.h"
#include "app/talk.h"
#include "app/target.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "config/complaints.h"
#include "os/clock.h"
#include "os/file_system.h"

namespace leat::app {
namespace {

std::string count_of(uint64_t number, std::string_view word) {
  return fmt::format("{} {}{}", with_commas(number), word, number == 1 ? "" : "s");
}

// "12 rows, 1 reject", and what else there is.
std::string counts_in_words(const PartState& part) {
  const Counts& counts = part.counts;
  std::string text = count_of(counts.inserted, "row");
  if (counts.updated > 0) text += fmt::format(", {} updated", with_commas(counts.updated));
  if (counts.ignored > 0) text += fmt::format(", {} ignored", with_commas(counts.ignored));
  if (counts.filtered > 0) text += fmt::format(", {} filtered", with_commas(counts.filtered));
  text += ", " + count_of(counts.rejected, "reject");
  if (part.gap_bytes > 0) text += fmt::format(", {} bytes of gaps", with_commas(part.gap_bytes));
  return text;
}

std::string text_of(const PipelineState& state) {
  std::string text = fmt::format("pipeline {}: table {}, {}\n", quoted(state.pipeline), quoted(state.table),
                                 count_of(state.parts.size(), "part"));
  for (const PartState& part : state.parts) {
    const Position& position = part.position;
    text += fmt::format("  {}: at {} {}", visible(position.part, 1000), counts_rows(position) ? "row" : "byte",
                        with_commas(position.offset));
    if (!position.part.starts_with(position.origin)) text += fmt::format(" of {}", visible(position.origin, 1000));
    text += fmt::format("; {}\n", counts_in_words(part));
  }
  return text;
}

void to_json(JsonWriter& json, const PipelineState& state) {
  json.begin_object().field("pipeline", std::string_view(state.pipeline));
  json.field("table", std::string_view(state.table)).field("running", state.running).key("parts").begin_array();
  for (const PartState& part : state.parts) {
    const Counts& counts = part.counts;
    json.begin_object().field("part", std::string_view(part.position.part));
    json.field("origin", std::string_view(part.position.origin)).field("offset", part.position.offset);
    json.field("inserted", counts.inserted).field("updated", counts.updated).field("ignored", counts.ignored);
    json.field("filtered", counts.filtered).field("rejected", counts.rejected).field("gaps", part.gap_bytes);
    json.end_object();
  }
  json.end_array().end_object();
}

Status no_pipeline(const std::string& target, const std::string& name, const std::vector<std::string>& names) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  return Status::bad_config(
      fmt::format("{}: there is no pipeline {}{}", visible(target), quoted(name), suggestion(name, views)));
}

Status show(const StateCommand& command, std::ostream& out) {
  LEAT_ASSIGN(const auto databases, open_target(command.target));
  std::vector<PipelineState> chosen;
  std::vector<std::string> names;
  for (const Database& database : databases) {
    names.insert(names.end(), database.pipelines.begin(), database.pipelines.end());
    if (database.store == nullptr) continue;
    LEAT_ASSIGN(std::vector<PipelineState> states, database.store->pipelines());
    for (PipelineState& state : states) {
      const std::vector<std::string>& wanted = database.pipelines;
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), state.pipeline) == wanted.end()) continue;
      if (wanted.empty()) names.push_back(state.pipeline);
      if (command.pipeline.empty() || command.pipeline == state.pipeline) chosen.push_back(std::move(state));
    }
  }
  if (!command.pipeline.empty() && std::find(names.begin(), names.end(), command.pipeline) == names.end()) {
    return no_pipeline(command.target, command.pipeline, names);
  }
  if (command.json) {
    JsonWriter json;
    json.begin_object().key("pipelines").begin_array();
    for (const PipelineState& state : chosen) to_json(json, state);
    json.end_array().end_object();
    out << json.text() << '\n';
  } else {
    for (const PipelineState& state : chosen) out << text_of(state);
    if (chosen.empty()) out << "nothing has run yet\n";
  }
  out << std::flush;
  return {};
}

// What can be read again of the parts that go back, by part.
Result<std::vector<PartOutline>> look(const PipelineDeclared& pipeline, Positions beginnings) {
  const Note silent = [](NoteLevel, const std::string&) {};
  const Making making{os::file_system(), os::clock(), silent, 0, ""};
  const std::unique_ptr<Source> source = pipeline.source.kind->make(pipeline.source.settings, making);
  LEAT_ASSIGN(const std::unique_ptr<Decoder> decoder, make_decoder(pipeline, silent));
  SourceRequest request;
  request.resume = std::move(beginnings);
  request.make_cutter = [&](const std::string& origin) { return decoder->make_cutter(origin); };
  request.once = true;
  LEAT_TRY(source->open(std::move(request)));
  return source->outline();
}

// Of a part that goes back: what is undone, and whether it can be read again.
std::string line_of(const PartState& part, const std::vector<PartOutline>& outline) {
  std::string text = fmt::format("  {}: {}", visible(part.position.part, 1000), counts_in_words(part));
  const auto at = std::find_if(outline.begin(), outline.end(),
                               [&](const PartOutline& each) { return each.part == part.position.part; });
  if (at == outline.end()) return text + '\n';
  const bool there = at->state == PartOutline::State::fresh || at->state == PartOutline::State::begun;
  return text + (there ? fmt::format("; is read again from {}\n", visible(at->place, 1000))
                       : "; CANNOT be read again: its file is not there any more\n");
}

Status rewind(const StateCommand& command, const Surroundings& surroundings) {
  LEAT_ASSIGN(const PipelineFile file, read_pipeline_file(command.target));
  const auto declared = std::find_if(file.pipelines.begin(), file.pipelines.end(),
                                     [&](const PipelineDeclared& each) { return each.name == command.pipeline; });
  if (declared == file.pipelines.end()) {
    std::vector<std::string> names;
    for (const PipelineDeclared& each : file.pipelines) names.push_back(each.name);
    return no_pipeline(command.target, command.pipeline, names);
  }
  if (declared->sink.kind->open_store == nullptr) {
    return Status::bad_config(fmt::format("{}: pipeline {} keeps nothing that could be taken back",
                                          visible(command.target), quoted(command.pipeline)));
  }
  const Database database = database_of(*declared);
  LEAT_ASSIGN(const auto store, database.open());
  if (store == nullptr) {
    return Status::bad_config(
        fmt::format("{}: leat has written nothing there yet; there is nothing to take back", visible(database.name)));
  }
  const Making making{os::file_system(), os::clock(), [](NoteLevel, const std::string&) {}, 0, ""};
  const std::unique_ptr<Source> source = declared->source.kind->make(declared->source.settings, making);
  LEAT_ASSIGN(const std::vector<PipelineState> states, store->pipelines());
  RewindRequest request{command.pipeline, command.part, command.all, !command.yes, {}};
  std::vector<const PartState*> chosen;
  for (const PipelineState& state : states) {
    if (state.pipeline != command.pipeline) continue;
    for (const PartState& part : state.parts) {
      if (!command.all && part.position.part != command.part) continue;
      chosen.push_back(&part);
      LEAT_ASSIGN(const auto beginning, source->at_beginning(part.position, command.all));
      if (beginning) request.beginnings.push_back(*beginning);
    }
  }
  LEAT_ASSIGN(const Undone undone, store->rewind(request));
  if (!command.yes) {
    LEAT_ASSIGN(const std::vector<PartOutline> outline, look(*declared, request.beginnings));
    surroundings.out << fmt::format("to be undone: {} and {}\n", count_of(undone.rows, "row"),
                                    count_of(undone.rejects, "reject"));
    for (const PartState* part : chosen) surroundings.out << line_of(*part, outline);
    surroundings.out << std::flush;
    return Status::bad_config("nothing was changed; to do it, say --yes");
  }
  surroundings.out << fmt::format("undone: {} and {} of {}; the next run reads {} again\n",
                                  count_of(undone.rows, "row"), count_of(undone.rejects, "reject"),
                                  count_of(undone.parts, "part"), undone.parts == 1 ? "it" : "them")
                   << std::flush;
  return {};
}

}  // namespace

int do_state(const StateCommand& command, const Surroundings& surroundings) {
  // A transaction that is left ends where it began: leave at once.
  const std::stop_callback leave(surroundings.stop, [] { std::_Exit(130); });
  const Status outcome = command.rewind ? rewind(command, surroundings) : show(command, surroundings.out);
  if (outcome.ok()) return 0;
  Talk(surroundings.err, Manner::plain, surroundings.colour, false).message(NoteLevel::info, outcome.message());
  return outcome.kind() == Kind::bad_config ? 2 : 1;
}

}  // namespace leat::app
