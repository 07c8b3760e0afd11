#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/talk.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/file_system.h"

namespace leat::app {
namespace {

constexpr size_t kMostPlaces = 40;
constexpr size_t kMostToCome = 5;  // of windows, which are all alike
// Bytes of database for each byte of an access log, where none has been taken in yet: what two real logs of some
// MiB came to, with the standard aggregates (docs/commands.md).
constexpr double kUsualWithRaw = 2.3;
constexpr double kUsualWithoutRaw = 1.2;
constexpr uint64_t kEnoughToObserve = 64 * 1024;

std::string count_of(uint64_t number, std::string_view word) {
  return fmt::format("{} {}{}", with_commas(number), word, number == 1 ? "" : "s");
}

// What there is already.
struct Known {
  bool database = false;
  bool started = false;
  PipelineState state;
  Schema schema;
  std::vector<AggregateSpec> aggregates;
  std::vector<TableIndex> missing_indexes;  // of those that [serve] declares
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t taken_bytes = 0;      // of this pipeline
  uint64_t all_taken_bytes = 0;  // of all that write to the database
  uint64_t database_bytes = 0;
};

// Whether an index begins with these columns: else nothing could be read by them.
bool is_served(Store& store, const TableIndex& index) {
  ScanQuery query;
  query.table = index.table;
  query.order = index.columns.back();
  for (size_t i = 0; i + 1 < index.columns.size(); ++i) {
    query.filters.push_back({index.columns[i], Compare::equal, std::monostate()});
  }
  return store.scan(query, std::nullopt, [](std::span<const ResultCell>) { return false; }).ok();
}

Result<Known> look_up(const PipelineDeclared& pipeline, const std::string& place) {
  Known known;
  known.missing_indexes = pipeline.plan.indexes;
  LEAT_ASSIGN(const auto store, pipeline.sink.kind->open_store(pipeline.sink.settings));
  if (store == nullptr) return known;
  known.database = true;
  // Of one that is a file.
  if (const auto info = os::file_system().info(place, os::Links::follow); info.ok() && *info) {
    known.database_bytes = (*info)->size;
  }
  if (const auto wal = os::file_system().info(place + "-wal", os::Links::follow); wal.ok() && *wal) {
    known.database_bytes += (*wal)->size;
  }
  LEAT_ASSIGN(std::vector<PipelineState> states, store->pipelines());
  for (PipelineState& state : states) {
    uint64_t taken = 0;
    for (const PartState& part : state.parts) taken += part.position.offset;
    known.all_taken_bytes += taken;
    if (state.pipeline != pipeline.name) continue;
    known.started = true;
    known.taken_bytes = taken;
    for (const PartState& part : state.parts) {
      known.inserted += part.counts.inserted;
      known.updated += part.counts.updated;
    }
    known.state = std::move(state);
  }
  if (!known.started) return known;
  LEAT_ASSIGN(known.schema, store->schema(pipeline.name));
  LEAT_ASSIGN(known.aggregates, store->aggregates(pipeline.name));
  std::erase_if(known.missing_indexes, [&](const TableIndex& index) { return is_served(*store, index); });
  return known;
}

std::string amount_of(const PartOutline& part) {
  return part.rows ? count_of(part.left, "row") : human_bytes(part.left);
}

std::string line_of(const PartOutline& part) {
  std::string place = visible(part.place, 1000);
  switch (part.state) {
    case PartOutline::State::fresh:
      if (part.unsized) return place;
      return fmt::format("{}: new, {}", place, amount_of(part));
    case PartOutline::State::begun:
      if (part.unsized) return fmt::format("{}: goes on at {}", place, part.why);
      return fmt::format("{}: goes on at {} {}, {}", place, part.rows ? "row" : "byte", with_commas(part.offset),
                         part.left == 0 ? "nothing new" : amount_of(part) + " left");
    case PartOutline::State::copy:
      return place + ": has the bytes of a file that was read, is passed over";
    case PartOutline::State::gone:
      return fmt::format("{}: is gone after byte {}{}", place, with_commas(part.offset),
                         part.left > 0 ? fmt::format("; {} of it were never read", human_bytes(part.left)) : "");
    case PartOutline::State::trouble:
    case PartOutline::State::awaited:
      return visible(part.why, 1000);
    case PartOutline::State::finished:
      break;
  }
  return place + ": finished";
}

struct Reads {
  std::string text;
  uint64_t left = 0;  // bytes, or:
  bool in_bytes = true;
  bool trouble = false;
};

Result<Reads> plan_reads(const PipelineDeclared& pipeline, const Known& known, Decoder& decoder,
                         const Surroundings& surroundings) {
  Reads reads;
  std::vector<std::string> notes;
  const Note note = [&](NoteLevel level, const std::string& text) {
    // That something is gone stands in the outline.
    if (level == NoteLevel::info && text.find(" is gone") == std::string::npos) notes.push_back(text);
  };
  Making making{os::file_system(), os::clock(), note, surroundings.overrides.chunk_bytes.value_or(0), ""};
  making.full_every_ms = pipeline.full_every_ms;
  const std::unique_ptr<Source> source = pipeline.source.kind->make(pipeline.source.settings, making);
  SourceRequest request;
  if (pipeline.plan.mode != WriteMode::replace) {  // which begins anew each time
    for (const PartState& part : known.state.parts) request.resume.push_back(part.position);
  }
  request.make_cutter = [&decoder](const std::string& origin) { return decoder.make_cutter(origin); };
  request.once = true;
  LEAT_TRY(source->open(std::move(request)));
  LEAT_ASSIGN(const std::vector<PartOutline> parts, source->outline());
  uint64_t finished = 0;
  uint64_t unsized = 0;
  size_t shown = 0;
  size_t more = 0;
  for (const PartOutline& part : parts) {
    reads.in_bytes = reads.in_bytes && !part.rows && !part.unsized;
    if (part.state == PartOutline::State::finished) {
      ++finished;
      continue;
    }
    if (part.state == PartOutline::State::fresh || part.state == PartOutline::State::begun) reads.left += part.left;
    // What is awaited of a pipeline of this file is there when it has run.
    const bool missing = part.state == PartOutline::State::awaited && pipeline.source.upstream.empty();
    reads.trouble = reads.trouble || part.state == PartOutline::State::trouble || missing;
    if (part.unsized) ++unsized;
    if (++shown <= (part.unsized ? kMostToCome : kMostPlaces)) {
      reads.text += "    " + line_of(part) + '\n';
    } else {
      ++more;
    }
  }
  if (more > 0) reads.text += fmt::format("    … and {} more\n", with_commas(more));
  for (const std::string& text : notes) reads.text += "    " + visible(text, 1000) + '\n';
  if (finished > 0) reads.text += fmt::format("    {} finished\n", count_of(finished, pipeline.source.kind->part));
  if (reads.in_bytes) reads.text += fmt::format("    {} to read\n", human_bytes(reads.left));
  if (unsized > 0) reads.text += fmt::format("    {} to pull\n", count_of(unsized, pipeline.source.kind->part));
  return reads;
}

// What the first run after a change of the file does to the tables. `schema`: null when only the data can say it.
std::string plan_tables(const PipelineDeclared& pipeline, const Known& known, const Schema* schema,
                        const std::string& place, bool& refused) {
  std::string text;
  const std::string table = quoted(pipeline.plan.table);
  if (!known.database) text += fmt::format("    {}: is made\n", visible(place, 1000));
  if (!known.started) {
    text += fmt::format(
        "    table {}: is made, with {}\n", table,
        schema == nullptr ? "the columns that the first records have" : count_of(schema->fields.size(), "column"));
  } else if (known.state.table != pipeline.plan.table) {
    text +=
        fmt::format("    table {}: refused; until now this pipeline has filled {}, name that one or another database\n",
                    table, quoted(known.state.table));
    refused = true;
  } else {
    // Which of those that were updated are gone (`reconcile`), the parts do not say.
    text += known.updated == 0 ? fmt::format("    table {}: has {}\n", table, count_of(known.inserted, "row"))
                               : fmt::format("    table {}: {} inserted so far, {} updated\n", table,
                                             count_of(known.inserted, "row"), with_commas(known.updated));
    for (const Field& field : schema == nullptr ? std::vector<Field>() : schema->fields) {
      const std::optional<size_t> at = known.schema.find(field.name);
      if (!at) {
        text += fmt::format("    column {}: is added ({}); NULL in the rows that are there\n", quoted(field.name),
                            name_of(field.type));
      } else if (known.schema.fields[*at].type != field.type) {
        text += fmt::format("    column {}: refused; it holds {}, now it would be {}, name another table\n",
                            quoted(field.name), name_of(known.schema.fields[*at].type), name_of(field.type));
        refused = true;
      }
    }
  }
  if (refused) return text + "    nothing: the run ends before it writes\n";
  bool reread = false;
  for (const AggregateSpec& spec : pipeline.plan.aggregates) {
    const auto old = std::find_if(known.aggregates.begin(), known.aggregates.end(),
                                  [&](const AggregateSpec& each) { return each.name == spec.name; });
    const bool same = old != known.aggregates.end() && *old == spec;
    reread = reread || !same;
    text += fmt::format("    aggregate {}: {}\n", quoted(spec.name),
                        same                                  ? "kept as it is"
                        : old != known.aggregates.end()       ? "has changed, is dropped and built anew"
                        : known.started && known.inserted > 0 ? "is new, and built from the rows that are there"
                                                              : "is made");
  }
  for (const AggregateSpec& old : known.aggregates) {
    const bool declared = std::any_of(pipeline.plan.aggregates.begin(), pipeline.plan.aggregates.end(),
                                      [&](const AggregateSpec& each) { return each.name == old.name; });
    if (!declared) text += fmt::format("    aggregate {}: is not declared any more, is dropped\n", quoted(old.name));
  }
  for (const TableIndex& index : known.missing_indexes) {
    text += fmt::format("    index over {} of table {}: is made for [serve]\n", quoted(join(index.columns, ", ")),
                        quoted(index.table));
  }
  if (reread && known.inserted > 0) {
    text += fmt::format("    {}{} are read again, once, for the aggregates that are built\n",
                        known.updated > 0 ? "at most " : "", count_of(known.inserted, "row"));
  }
  return text;
}

std::string plan_disk(const PipelineDeclared& pipeline, const Known& known, uint64_t left) {
  const bool observed = known.all_taken_bytes >= kEnoughToObserve;
  const double factor = observed
                            ? static_cast<double>(known.database_bytes) / static_cast<double>(known.all_taken_bytes)
                        : pipeline.raw ? kUsualWithRaw
                                       : kUsualWithoutRaw;
  std::string text =
      fmt::format("  disk: about {} more", human_bytes(static_cast<uint64_t>(static_cast<double>(left) * factor)));
  if (known.taken_bytes >= kEnoughToObserve && left > 0) {
    const auto records = static_cast<double>(known.inserted + known.updated);
    const double rows = static_cast<double>(left) * records / static_cast<double>(known.taken_bytes);
    text += fmt::format(", {} or so", count_of(static_cast<uint64_t>(rows), "row"));
  }
  return text + fmt::format(" ({:.2g} bytes for a byte of the source, {})\n", factor,
                            observed ? "as it was so far" : "as is usual; there is nothing yet to go by");
}

struct Planned {
  std::string text;
  bool trouble = false;
  bool refused = false;
};

Result<Planned> plan_pipeline(const PipelineDeclared& pipeline, const Surroundings& surroundings) {
  Planned planned;
  const std::string place = pipeline.sink.kind->place(pipeline.sink.settings);
  LEAT_ASSIGN(const Known known, look_up(pipeline, place));
  LEAT_ASSIGN(const std::unique_ptr<Decoder> decoder, make_decoder(pipeline, [](NoteLevel, const std::string&) {}));
  planned.text = fmt::format("pipeline {}: source {} to table {} of {}\n", quoted(pipeline.name),
                             quoted(pipeline.source.name), quoted(pipeline.plan.table), visible(place, 1000));
  if (known.state.running) {
    planned.text +=
        fmt::format("  is running ({}): this is what it has not committed yet\n", visible(known.state.writer));
  }
  LEAT_ASSIGN(const Reads reads, plan_reads(pipeline, known, *decoder, surroundings));
  planned.trouble = reads.trouble;
  planned.text += "  reads\n" + reads.text;
  SchemaPtr columns = decoder->schema();
  if (columns) {
    LEAT_ASSIGN(columns, bind_transforms(make_transforms(pipeline), std::move(columns)));
  }
  planned.text += "  writes\n" + plan_tables(pipeline, known, columns.get(), place, planned.refused);
  if (reads.in_bytes) planned.text += plan_disk(pipeline, known, reads.left);
  return planned;
}

}  // namespace

int do_plan(const PlanCommand& command, const Surroundings& surroundings) {
  const std::stop_callback leave(surroundings.stop, [] { std::_Exit(130); });
  Talk talk(surroundings.err, Manner::plain, surroundings.colour, false);
  const auto fail = [&](const Status& status) {
    talk.message(NoteLevel::info, status.message());
    return status.kind() == Kind::bad_config ? 2 : 1;
  };
  const Result<PipelineFile> file = read_pipeline_file(command.file);
  if (!file.ok()) return fail(file.status());
  std::vector<std::string_view> names;
  for (const PipelineDeclared& pipeline : file->pipelines) names.push_back(pipeline.name);
  if (!command.pipeline.empty() && std::find(names.begin(), names.end(), command.pipeline) == names.end()) {
    return fail(Status::bad_config(fmt::format("{}: there is no pipeline {}{}", visible(command.file),
                                               quoted(command.pipeline), suggestion(command.pipeline, names))));
  }
  int status = 0;
  for (const PipelineDeclared& pipeline : file->pipelines) {
    if (!command.pipeline.empty() && command.pipeline != pipeline.name) continue;
    const Result<Planned> planned = plan_pipeline(pipeline, surroundings);
    if (!planned.ok()) {
      surroundings.out << std::flush;
      status = std::max(status, fail(planned.status()));
      continue;
    }
    surroundings.out << planned->text;
    status = std::max(status, planned->refused ? 2 : planned->trouble ? 1 : 0);
  }
  surroundings.out << std::flush;
  return status;
}

}  // namespace leat::app
