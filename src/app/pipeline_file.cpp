#include "app/pipeline_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "app/pipeline_checks.h"
#include "app/pipeline_links.h"
#include "app/site_rule.h"
#include "base/redaction.h"
#include "base/text.h"
#include "config/secrets.h"
#include "config/toml.h"
#include "data/row_line.h"
#include "decoders/parent.h"
#include "decoders/site.h"
#include "lookup/time_zone.h"
#include "os/file_system.h"
#include "os/process.h"

namespace leat::app {
namespace {

constexpr size_t kLargestFile = 4 * 1024 * 1024;
constexpr size_t kLargestSecret = 64 * 1024;

template <class Declared>
const Declared* find_declared(const std::vector<Declared>& all, std::string_view name) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const Declared& one) { return one.name == name; });
  return at == all.end() ? nullptr : &*at;
}

// Names of tables: what is left free for leat and for SQLite.
std::string trouble_with_table(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.starts_with("_leat_")) return "begins with _leat_, which is kept for leat's own tables";
  if (name.starts_with("sqlite_")) return "begins with sqlite_, which SQLite keeps for itself";
  if (name.find('\0') != std::string_view::npos) return "holds a NUL character";
  return "";
}

class Planner {
 public:
  Planner(const Value& root, std::string directory, Complaints& complaints)
      : root_(root), directory_(std::move(directory)), complaints_(complaints) {}

  PipelineFile plan() {
    constexpr std::string_view kSections[] = {"sources", "sinks", "pipelines", "aggregates", "serve"};
    for (const Entry& entry : root_.entries) {
      if (std::find(std::begin(kSections), std::end(kSections), entry.key) == std::end(kSections)) {
        const std::vector<std::string_view> known(std::begin(kSections), std::end(kSections));
        complaints_.add(entry.key_at,
                        fmt::format("unknown section {}{}", quoted(entry.key), suggestion(entry.key, known)));
      }
    }
    for (const Entry* entry : section("sources")) plan_source(*entry);
    for (const Entry* entry : section("sinks")) plan_sink(*entry);
    for (const Entry* entry : section("pipelines")) plan_pipeline(*entry);
    for (const Entry* entry : section("aggregates")) plan_aggregate(*entry);
    if (section("pipelines", true).empty() && complaints_.empty()) {
      complaints_.add({}, "there is no pipeline; add [pipelines.NAME] with from = \"SOURCE\" and to = \"SINK.TABLE\"");
    }
    for (const PipelineDeclared& pipeline : file_.pipelines) check_sink_of(pipeline);
    check_tables(file_, places_, complaints_);
    link_pipelines(file_, pipeline_names_, complaints_);
    for (const PipelineDeclared& pipeline : file_.pipelines) check_columns(pipeline, places_, complaints_);
    if (const Entry* entry = root_.find_entry("serve"); entry != nullptr) plan_serve(*entry);
    return std::move(file_);
  }

 private:
  // The tables [kind.NAME], in written order; what is not a table is complained of (once).
  std::vector<const Entry*> section(std::string_view kind, bool quiet = false) {
    std::vector<const Entry*> out;
    const Entry* found = root_.find_entry(kind);
    if (found == nullptr) return out;
    if (!found->value.is_table()) {
      if (!quiet) complaints_.add(found->key_at, fmt::format("'{0}' must hold tables: [{0}.NAME]", kind));
      return out;
    }
    for (const Entry& entry : found->value.entries) {
      if (entry.value.is_table()) {
        out.push_back(&entry);
      } else if (!quiet) {
        complaints_.add(entry.key_at, fmt::format("{} of [{}] must be a table: [{}.NAME] and its options below",
                                                  quoted(entry.key), kind, kind));
      }
    }
    return out;
  }

  // The kind that `type` names; null after a complaint.
  template <class KindOf>
  const KindOf* kind_of(const Entry& entry, std::string_view word, std::span<const KindOf> kinds) {
    std::vector<std::string_view> names;
    for (const KindOf& kind : kinds) names.push_back(kind.name);
    const Value* type = entry.value.find("type");
    if (type == nullptr) {
      complaints_.add(entry.key_at,
                      fmt::format("{} {} needs a 'type'{}", word, quoted(entry.key), suggestion("", names)));
    } else if (!type->is_text()) {
      complaints_.add(type->at, fmt::format("'type' of {} {} must be text in quotes, not {}", word, quoted(entry.key),
                                            type_in_words(type->type)));
    } else if (const KindOf* kind = find_kind(kinds, type->text); kind != nullptr) {
      return kind;
    } else {
      complaints_.add(type->at, fmt::format("unknown type {} of {} {}{}", shown(*type), word, quoted(entry.key),
                                            suggestion_for(*type, names)));
    }
    return nullptr;
  }

  void plan_source(const Entry& entry) {
    SourceDeclared source;
    source.name = entry.key;
    source.kind = kind_of(entry, "source", source_kinds());
    source_names_.push_back(entry.key);
    if (source.kind == nullptr) return;
    const size_t before = complaints_.count();
    source.settings = check_options({entry.value, entry.key_at, source.kind->options,
                                     fmt::format("source '{}'", source.kind->name), directory_, true},
                                    complaints_);
    if (source.kind->check != nullptr && complaints_.count() == before)
      source.kind->check(source.settings, complaints_);
    plan_format(source);
    // Which log a row is of is a question only where files are logs, unless it is asked for.
    const bool may_ask = source.decoder != nullptr && (source.decoder->is_log || source.settings.has("site"));
    if (may_ask && source.kind->has("site")) {
      source.site = site_rule(source.settings.text("site"), source.settings.texts("include"));
    }
    if (complaints_.count() == before) file_.sources.push_back(std::move(source));
  }

  void plan_format(SourceDeclared& source) {
    const Value* format = source.settings.find("format");
    if (format == nullptr) {
      source.decoder = source.kind->reads_a_table ? &table_rows_kind() : &decoder_kinds().front();
      return;
    }
    Value table = *format;
    if (!format->is_table() && find_kind(decoder_kinds(), format->text) != nullptr) {  // short for { type = "…" }
      table = Value::make_table();
      table.set("type", *format);
    }
    if (table.is_table()) {
      const Entry entry{"format", format->at, table};
      source.decoder = kind_of(entry, "the", decoder_kinds());
      if (source.decoder == nullptr) return;
      source.decoder_settings = check_options({table, format->at, source.decoder->options,
                                               fmt::format("format '{}'", source.decoder->name), directory_, true},
                                              complaints_);
      source.decoder->check(source.decoder_settings, complaints_);
      return;
    }
    std::vector<std::string_view> names;
    for (const DecoderKind& kind : decoder_kinds()) names.push_back(kind.name);
    for (const FormatName& known : format_names()) {
      names.push_back(known.name);
      if (known.name == format->text) source.decoder = find_kind(decoder_kinds(), known.decoder);
    }
    if (source.decoder == nullptr) {
      complaints_.add(format->at, fmt::format("unknown format {}{}", shown(*format), suggestion_for(*format, names)));
      return;
    }
    Value named = Value::make_table();
    named.set("format", *format);
    source.decoder_settings =
        check_options({named, format->at, source.decoder->options, "format", directory_, false}, complaints_);
    source.decoder->check(source.decoder_settings, complaints_);
  }

  void plan_sink(const Entry& entry) {
    SinkDeclared sink;
    sink.name = entry.key;
    sink.kind = kind_of(entry, "sink", sink_kinds());
    sink_names_.push_back(entry.key);
    if (entry.key.find('.') != std::string::npos) {
      complaints_.add(entry.key_at, fmt::format("the name of sink {} holds a '.', which divides sink and table in 'to'",
                                                quoted(entry.key)));
    }
    if (sink.kind == nullptr) return;
    if (!sink.kind->missing.empty()) {
      complaints_.add(entry.key_at, fmt::format("sink {} is of type '{}', but {}", quoted(entry.key), sink.kind->name,
                                                sink.kind->missing));
      return;
    }
    const size_t before = complaints_.count();
    sink.settings = check_options(
        {entry.value, entry.key_at, sink.kind->options, fmt::format("sink '{}'", sink.kind->name), directory_, true},
        complaints_);
    if (complaints_.count() == before && sink.kind->check != nullptr) sink.kind->check(sink.settings, complaints_);
    if (complaints_.count() == before) file_.sinks.push_back(std::move(sink));
  }

  void plan_pipeline(const Entry& entry) {
    pipeline_names_.push_back(entry.key);
    const std::string what = fmt::format("pipeline {}", quoted(entry.key));
    const size_t before = complaints_.count();
    const Settings settings =
        check_options({entry.value, entry.key_at, pipeline_options(), what, directory_}, complaints_);
    PipelineDeclared pipeline;
    pipeline.name = entry.key;
    if (entry.key.empty()) complaints_.add(entry.key_at, "the name of a pipeline is empty");
    if (entry.key.starts_with("_leat_")) {
      complaints_.add(
          entry.key_at,
          fmt::format("the name of pipeline {} begins with _leat_, which is kept for leat's own", quoted(entry.key)));
    }
    const std::string from = settings.text("from");
    if (settings.has("from") && !known(from, source_names_)) {
      complaints_.add(settings.place("from"),
                      fmt::format("there is no source {}{}", shown(*settings.find("from")),
                                  suggestion_for(*settings.find("from"), views(source_names_))));
    }
    const std::string to = settings.text("to");
    const bool secret = settings.has("to") && !settings.find("to")->written.empty();
    const size_t dot = to.find('.');
    const std::string sink = to.substr(0, dot);
    plan_transforms(settings, what, pipeline);
    pipeline.plan.pipeline = entry.key;
    pipeline.plan.table = dot == std::string::npos ? entry.key : to.substr(dot + 1);
    if (settings.has("to") && !known(sink, sink_names_)) {
      complaints_.add(settings.place("to"),
                      fmt::format("there is no sink {}{}", secret ? shown(*settings.find("to")) : quoted(sink),
                                  suggestion(secret ? "" : sink, views(sink_names_))));
    }
    if (const std::string trouble = trouble_with_table(pipeline.plan.table); settings.has("to") && !trouble.empty()) {
      complaints_.add(settings.place("to"),
                      fmt::format("the table's name {} {}", quoted(pipeline.plan.table), trouble));
    }
    take_write_mode(settings, entry.key_at, pipeline.plan);
    take_schedule(settings, what, pipeline);
    const SourceDeclared* source_found = find_declared(file_.sources, from);
    const SinkDeclared* sink_found = find_declared(file_.sinks, sink);
    if (complaints_.count() != before || source_found == nullptr || sink_found == nullptr) return;
    pipeline.source = *source_found;
    pipeline.plan.reads_once = pipeline.source.kind->reads_once;
    take_reconcile(settings, pipeline, complaints_);
    if (const auto check = source_found->kind->check_plan; check != nullptr) {
      check(source_found->settings, pipeline.plan, settings.has("write") ? settings.place("write") : entry.key_at,
            complaints_);
    }
    pipeline.sink = *sink_found;
    pipeline.raw = settings.has("raw") ? settings.boolean("raw") : pipeline.source.decoder->is_log;
    const std::span<const WriteMode> modes = sink_found->kind->modes;
    if (std::find(modes.begin(), modes.end(), pipeline.plan.mode) == modes.end()) {
      const std::string why = sink_found->kind->name == "null"
                                  ? "keeps no rows: write = {} of pipeline {} needs a database"
                                  : "is of type " + std::string(sink_found->kind->name) +
                                        ", which does not have write = {} (pipeline {}), but only appends; leave "
                                        "write and key out, or name a database";
      complaints_.add(settings.place("write"),
                      "sink " + quoted(sink) + " " +
                          fmt::format(fmt::runtime(why), quoted(name_of(pipeline.plan.mode)), quoted(entry.key)));
    }
    const Settings commit = settings.section("commit");
    pipeline.commit = {.rows = commit.integer("rows"), .every_ms = commit.milliseconds("every")};
    if (const auto rule = sink_found->kind->commit_rule; rule != nullptr) {
      const CommitRule suits = rule(sink_found->settings);
      if (suits.rows > 0 && !commit.has("rows")) pipeline.commit.rows = suits.rows;
      if (suits.every_ms > 0 && !commit.has("every")) pipeline.commit.every_ms = suits.every_ms;
      pipeline.commit.when_idle = suits.when_idle;
    }
    if (settings.boolean("standard_aggregates")) pipeline.plan.aggregates = standard_aggregates(entry.key, "UTC");
    const Place place = settings.has("standard_aggregates") ? settings.place("standard_aggregates") : entry.key_at;
    for (const AggregateSpec& spec : pipeline.plan.aggregates) places_.push_back({entry.key, spec.name, place, {}, {}});
    DeclaredPlace& own = places_.emplace_back(DeclaredPlace{entry.key, "", settings.place("to"), {}, {}});
    if (const Value* key = settings.find("key")) own.by = *key;
    if (const Value* newest = settings.find("newest")) own.value = *newest;
    file_.pipelines.push_back(std::move(pipeline));
  }

  void take_schedule(const Settings& settings, const std::string& what, PipelineDeclared& pipeline) {
    const std::string timezone = settings.text("timezone");
    if (const auto zone = TimeZone::find(timezone); !zone.ok()) {
      complaints_.add(settings.place("timezone"), fmt::format("'timezone' of {}: {}", what, zone.status().message()));
      return;
    }
    if (!settings.has("schedule")) {
      if (!settings.has("timezone")) return;
      complaints_.add(settings.place("timezone"),
                      fmt::format("'timezone' of {} is that of its schedule, and it has none", what));
      return;
    }
    Result<Schedule> schedule = Schedule::parse(settings.text("schedule"), timezone);
    if (!schedule.ok()) {
      complaints_.add(settings.place("schedule"),
                      fmt::format("'schedule' of {}: {}", what, schedule.status().message()));
      return;
    }
    pipeline.schedule = *std::move(schedule);
  }

  void take_write_mode(const Settings& settings, const Place& at, SinkPlan& plan) {
    const std::string mode = settings.text("write");
    plan.mode = static_cast<WriteMode>(std::find(kWriteModes.begin(), kWriteModes.end(), mode) - kWriteModes.begin());
    plan.key = settings.texts("key");
    plan.newest = settings.text("newest");
    const bool keyed = plan.mode == WriteMode::ignore || plan.mode == WriteMode::merge;
    const std::string what = fmt::format("pipeline {}", quoted(plan.pipeline));
    if (keyed && plan.key.empty()) {
      complaints_.add(
          settings.has("key")     ? settings.place("key")
          : settings.has("write") ? settings.place("write")
                                  : at,
          fmt::format("write = {} of {} needs 'key': the columns that make a record unique", quoted(mode), what));
    }
    if (!keyed && !plan.key.empty()) {
      complaints_.add(settings.place("key"),
                      fmt::format("'key' of {} is for write = 'ignore' and 'merge' only, not {}", what, quoted(mode)));
    }
    if (plan.mode != WriteMode::merge && !plan.newest.empty()) {
      complaints_.add(settings.place("newest"),
                      fmt::format("'newest' of {} is for write = 'merge' only, not {}", what, quoted(mode)));
    }
    for (size_t i = 0; i < plan.key.size(); ++i) {
      if (std::find(plan.key.begin(), plan.key.begin() + static_cast<ptrdiff_t>(i), plan.key[i]) ==
          plan.key.begin() + static_cast<ptrdiff_t>(i)) {
        continue;
      }
      complaints_.add(settings.place("key"), fmt::format("'key' of {} names {} twice", what, quoted(plan.key[i])));
    }
  }

  void plan_transforms(const Settings& settings, const std::string& what, PipelineDeclared& pipeline) {
    const Value* const list = settings.find("transforms");
    if (list == nullptr) return;
    for (const Value& item : list->items) {
      const std::string number = std::to_string(&item - list->items.data() + 1);
      const Entry entry{number, item.at, item};
      TransformDeclared transform;
      transform.kind = kind_of(entry, what + ", transform", transform_kinds());
      if (transform.kind == nullptr) continue;
      const size_t before = complaints_.count();
      transform.settings =
          check_options({item, item.at, transform.kind->options,
                         fmt::format("{}, transform {} ({})", what, number, transform.kind->name), directory_, true},
                        complaints_);
      if (complaints_.count() == before) transform.kind->check(transform.settings, complaints_);
      pipeline.transforms.push_back(std::move(transform));
    }
  }

  void plan_aggregate(const Entry& entry) {
    const std::string what = fmt::format("aggregate {}", quoted(entry.key));
    const size_t before = complaints_.count();
    const Settings settings =
        check_options({entry.value, entry.key_at, aggregate_options(), what, directory_}, complaints_);
    if (const std::string trouble = trouble_with_table(entry.key); !trouble.empty()) {
      complaints_.add(entry.key_at, fmt::format("the name of aggregate {} {}", quoted(entry.key), trouble));
    }
    const std::string from = settings.text("from");
    if (settings.has("from") && !known(from, pipeline_names_)) {
      complaints_.add(settings.place("from"),
                      fmt::format("there is no pipeline {}{}", shown(*settings.find("from")),
                                  suggestion_for(*settings.find("from"), views(pipeline_names_))));
    }
    if (const Result<TimeZone> zone = TimeZone::find(settings.text("timezone")); !zone.ok()) {
      const Value* written = settings.find("timezone");
      complaints_.add(settings.place("timezone"), written != nullptr && !written->written.empty()
                                                      ? fmt::format("unknown time zone {}", shown(*written))
                                                      : zone.status().message());
    }
    if (complaints_.count() != before) return;
    for (PipelineDeclared& pipeline : file_.pipelines) {
      if (pipeline.name != from) continue;
      AggregateSpec spec{entry.key, from, settings.text("timezone"), {}, {}};
      for (const Entry& key : settings.find("by")->entries) spec.by.push_back({key.key, key.value.text});
      for (const Entry& value : settings.find("value")->entries) spec.value.push_back({value.key, value.value.text});
      pipeline.plan.aggregates.push_back(std::move(spec));
      places_.push_back({from, entry.key, entry.key_at, *settings.find("by"), *settings.find("value")});
    }
  }

  void check_sink_of(const PipelineDeclared& pipeline) {
    if (pipeline.sink.kind->check_plan == nullptr) return;
    const Status status = pipeline.sink.kind->check_plan(pipeline.plan);
    if (!status.ok()) complaints_.add(place_of(places_, pipeline, ""), status.message());
  }

  void plan_serve(const Entry& entry) {
    file_.serve = read_serve_options(entry, directory_, complaints_);
    std::vector<std::string_view> names;
    for (const PipelineDeclared& pipeline : file_.pipelines) {
      names.push_back(pipeline.plan.table);
      for (const AggregateSpec& spec : pipeline.plan.aggregates) names.push_back(spec.name);
    }
    for (const ServedTable& table : file_.serve.tables) {
      for (PipelineDeclared& pipeline : file_.pipelines) {
        const auto has_name = [&](const AggregateSpec& spec) { return spec.name == table.name; };
        const bool fills = pipeline.plan.table == table.name ||
                           std::any_of(pipeline.plan.aggregates.begin(), pipeline.plan.aggregates.end(), has_name);
        if (!fills) continue;
        for (const std::vector<std::string>& columns : table.indexes) {
          pipeline.plan.indexes.push_back({table.name, columns});
        }
      }
      if (complaints_.empty() && std::find(names.begin(), names.end(), table.name) == names.end()) {
        complaints_.add(table.at, fmt::format("no pipeline or aggregate fills a table {}{}", quoted(table.name),
                                              suggestion(table.name, names)));
      }
    }
  }

  static bool known(const std::string& name, const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  static std::vector<std::string_view> views(const std::vector<std::string>& names) {
    return {names.begin(), names.end()};
  }

  const Value& root_;
  std::string directory_;
  Complaints& complaints_;
  PipelineFile file_;
  std::vector<std::string> source_names_;  // also of those with errors
  std::vector<std::string> sink_names_;
  std::vector<std::string> pipeline_names_;
  std::vector<DeclaredPlace> places_;
};

Result<std::string> look_up_secret(const std::string& directory, const std::string& scheme, const std::string& name) {
  if (scheme == "env") {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return Status::bad_config("this environment variable is not set");
    return std::string(value);
  }
  LEAT_ASSIGN(std::string content, os::read_file(os::file_system(), absolute_path(directory, name), kLargestSecret));
  // A file made with an editor or echo ends with a newline that is not meant.
  if (content.ends_with('\n')) content.pop_back();
  if (content.ends_with('\r')) content.pop_back();
  return content;
}

// As its first bytes say; what cannot be read is none.
bool is_database(const std::string& path) {
  const auto file = os::file_system().open(path, os::Links::follow);
  std::array<char, 16> bytes{};
  if (!file.ok() || *file == nullptr || !(*file)->read_at(0, bytes.data(), bytes.size()).ok()) return false;
  const std::string_view beginning(bytes.data(), bytes.size());
  return beginning.starts_with("SQLite format 3") || beginning.substr(8, 4) == "DUCK";
}

}  // namespace

Result<std::unique_ptr<Decoder>> make_decoder(const PipelineDeclared& pipeline, const Note& note) {
  const SourceDeclared& source = pipeline.source;
  LEAT_ASSIGN(auto decoder, source.decoder->make(source.decoder_settings, pipeline.raw, note));
  if (source.site) decoder = with_site(std::move(decoder), *source.site);
  if (source.added && !source.added->fields.empty()) decoder = with_parent(std::move(decoder), source.added);
  if (source.columns) LEAT_TRY(decoder->restore_schema(line_of(*source.columns)));
  return decoder;
}

PipelineFile plan_pipelines(const Value& root, const std::string& directory, Complaints& complaints) {
  PipelineFile file = Planner(root, directory, complaints).plan();
  file.name = complaints.file();
  const auto written = std::make_shared<const Complaints>(complaints);
  for (PipelineDeclared& pipeline : file.pipelines) pipeline.written = written;
  return file;
}

Status check_is_path(const std::string& target) {
  if (target.find("://") == std::string::npos) return {};
  return Status::bad_config(
      fmt::format("{}: is an address, and here goes a file: a pipeline file (.toml) with a sink of this 'url'",
                  visible(shown_url(target))));
}

Result<PipelineFile> read_pipeline_file(const std::string& path) {
  LEAT_TRY(check_is_path(path));
  if (is_database(path)) {
    return Status::bad_config(
        fmt::format("{}: is a database, and here goes the pipeline file (.toml) that fills it", visible(path)));
  }
  LEAT_ASSIGN(const std::string text, os::read_file(os::file_system(), path, kLargestFile));
  Complaints complaints(path, text);
  Value root = parse_toml(text, complaints);
  LEAT_TRY(complaints.status());
  const std::string absolute = absolute_path(os::current_directory(), path);
  const std::string directory = absolute.substr(0, std::max<size_t>(1, absolute.rfind('/')));
  put_secrets(
      root, [&](const std::string& scheme, const std::string& name) { return look_up_secret(directory, scheme, name); },
      complaints);
  PipelineFile file = plan_pipelines(root, directory, complaints);
  LEAT_TRY(complaints.status());
  return file;
}

}  // namespace leat::app
