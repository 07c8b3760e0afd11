#include "app/pipeline_links.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "data/row_line.h"

namespace leat::app {
namespace {

constexpr std::string_view kReadable = "sqlite";  // the kind of sink

class Linker {
 public:
  Linker(PipelineFile& file, const std::vector<std::string>& names, Complaints& complaints)
      : file_(file), names_(names), complaints_(complaints) {}

  void link() {
    for (SourceDeclared& source : file_.sources) {
      if (source.kind->reads_a_table) find_table(source);
      if (source.kind->parents != nullptr) find_parents(source);
    }
    hand_on();
    for (const PipelineDeclared& pipeline : file_.pipelines) check(pipeline);
    if (!complaints_.empty()) return;
    for (size_t i = 0; i < file_.pipelines.size(); ++i) {  // as many steps as there are at most
      for (SourceDeclared& source : file_.sources) {
        if (source.kind->reads_a_table) find_columns(source);
        if (source.kind->parents != nullptr) find_added(source);
      }
      hand_on();
    }
    for (const SourceDeclared& source : file_.sources) {
      if (source.upstream.empty() || source.kind->reads_a_table || !source.settings.has("parent") || source.added)
        continue;
      complaints_.add(
          source.settings.place("parent"),
          fmt::format("only the data will tell the columns of pipeline {}; declare them in the format of its "
                      "source, so that 'parent' can take some of them",
                      quoted(source.upstream)));
    }
  }

 private:
  void hand_on() {
    for (PipelineDeclared& pipeline : file_.pipelines) {
      for (const SourceDeclared& source : file_.sources) {
        if (source.name == pipeline.source.name) pipeline.source = source;
      }
    }
  }

  [[nodiscard]] const PipelineDeclared* find(const std::string& name) const {
    const auto at = std::find_if(file_.pipelines.begin(), file_.pipelines.end(),
                                 [&](const PipelineDeclared& pipeline) { return pipeline.name == name; });
    return at == file_.pipelines.end() ? nullptr : &*at;
  }

  void find_table(SourceDeclared& source) {
    Settings& settings = source.settings;
    const bool elsewhere = settings.has("path") || settings.has("table");
    if (!settings.has("from")) {
      if (!settings.has("path") || !settings.has("table")) {
        complaints_.add(
            settings.place(settings.has("path") ? "path" : "table"),
            fmt::format("source {} needs 'from', a pipeline of this file, or 'path' and 'table', a database "
                        "that another file's pipeline fills",
                        quoted(source.name)));
        return;
      }
      for (const PipelineDeclared& pipeline : file_.pipelines) {
        const bool same = pipeline.sink.kind->name == kReadable &&
                          pipeline.sink.kind->place(pipeline.sink.settings) == settings.text("path") &&
                          equal_ignoring_case(pipeline.plan.table, settings.text("table"));
        if (same) source.upstream = pipeline.name;
      }
      return;
    }
    if (elsewhere) {
      complaints_.add(settings.place(settings.has("path") ? "path" : "table"),
                      fmt::format("source {} has 'from', which says what is read; leave 'path' and 'table' away",
                                  quoted(source.name)));
      return;
    }
    const Value& from = *settings.find("from");
    const PipelineDeclared* const upstream = find(from.text);
    if (upstream == nullptr) {
      if (std::find(names_.begin(), names_.end(), from.text) != names_.end()) return;  // that one has errors
      complaints_.add(from.at, fmt::format("there is no pipeline {}{}", shown(from),
                                           suggestion_for(from, {names_.begin(), names_.end()})));
    } else if (upstream->sink.kind->name != kReadable) {
      complaints_.add(
          from.at,
          fmt::format("pipeline {} cannot be read: its sink {} is of type {}, and tables are read from SQLite only",
                      shown(from), quoted(upstream->sink.name), quoted(upstream->sink.kind->name)));
    } else {
      source.upstream = upstream->name;
      settings.set("path", Value::of(upstream->sink.kind->place(upstream->sink.settings)));
      settings.set("table", Value::of(upstream->plan.table));
    }
  }

  void find_parents(SourceDeclared& source) {
    const std::vector<ParentColumn> columns = source.kind->parents(source.settings);
    if (columns.empty()) return;
    const ParentColumn& first = columns.front();
    const auto refuse = [&](const std::string& what) { complaints_.add(first.at, what); };
    for (const ParentColumn& each : columns) {
      if (each.pipeline == first.pipeline) continue;
      return refuse(fmt::format("source {} asks for the rows of one pipeline, not of {} and {}", quoted(source.name),
                                quoted(first.pipeline), quoted(each.pipeline)));
    }
    const PipelineDeclared* const upstream = find(first.pipeline);
    if (upstream == nullptr) {
      if (std::find(names_.begin(), names_.end(), first.pipeline) != names_.end()) return;  // that one has errors
      refuse(fmt::format("{{{}.{}}}: there is no pipeline {}{}", first.pipeline, first.column, quoted(first.pipeline),
                         suggestion(first.pipeline, {names_.begin(), names_.end()})));
    } else if (upstream->sink.kind->name != kReadable) {
      refuse(fmt::format("pipeline {} keeps no rows that could be read: its sink {} is of type {}",
                         quoted(upstream->name), quoted(upstream->sink.name), quoted(upstream->sink.kind->name)));
    } else if (upstream->plan.mode == WriteMode::replace) {
      refuse(
          fmt::format("pipeline {} has write = 'replace', so that each run has other rows; with 'merge' or 'ignore' "
                      "and 'key' it is known which of them are new",
                      quoted(upstream->name)));
    } else {
      source.upstream = upstream->name;
      source.settings.set("parents.path", Value::of(upstream->sink.kind->place(upstream->sink.settings)));
      source.settings.set("parents.table", Value::of(upstream->plan.table));
    }
  }

  // The columns that a source names are there; those that its records get.
  void find_added(SourceDeclared& source) {
    const PipelineDeclared* const upstream = find(source.upstream);
    if (upstream == nullptr || source.added != nullptr) return;
    const SchemaPtr all = columns_behind(*upstream);
    if (all == nullptr) return;
    Schema added;
    for (const ParentColumn& each : source.kind->parents(source.settings)) {
      const std::optional<size_t> at = all->find(each.column);
      if (!at || all->fields[*at].bytes) {
        std::vector<std::string_view> known;
        for (const Field& field : all->fields) {
          if (!field.bytes) known.push_back(field.name);
        }
        complaints_.add(each.at,
                        fmt::format("table {} of pipeline {} has no column {}{}", quoted(upstream->plan.table),
                                    quoted(upstream->name), quoted(each.column), suggestion(each.column, known)));
      } else if (!each.as.empty()) {
        added.fields.push_back(all->fields[*at]);
        added.fields.back().name = each.as;
      }
    }
    source.added = std::make_shared<const Schema>(std::move(added));
  }

  void check_parents(const PipelineDeclared& pipeline) {
    const PipelineDeclared* const upstream = find(pipeline.source.upstream);
    if (upstream == nullptr || upstream->plan.mode != WriteMode::merge) return;
    if (pipeline.plan.mode == WriteMode::merge || pipeline.plan.mode == WriteMode::ignore) return;
    complaints_.add(pipeline.source.settings.place("url"),
                    fmt::format("a row of pipeline {} that is merged is asked for again, so its children come again: "
                                "pipeline {} needs write = \"merge\" or \"ignore\" and 'key'",
                                quoted(upstream->name), quoted(pipeline.name)));
  }

  void check(const PipelineDeclared& pipeline) {
    if (pipeline.source.kind->parents != nullptr) check_parents(pipeline);
    if (!pipeline.source.kind->reads_a_table && pipeline.source.upstream.empty()) return;
    const Settings& settings = pipeline.source.settings;
    const PipelineDeclared* at = find(pipeline.source.upstream);
    for (size_t steps = 0; at != nullptr && steps < file_.pipelines.size(); ++steps) {
      if (at->name == pipeline.name) {
        complaints_.add(
            settings.place(!pipeline.source.kind->reads_a_table ? "url"
                           : settings.has("from")               ? "from"
                                                                : "table"),
            fmt::format("pipeline {} would read what it has written itself, without an end{}", quoted(pipeline.name),
                        steps == 0 ? "" : fmt::format(", by way of {}", quoted(pipeline.source.upstream))));
        return;
      }
      at = find(at->source.upstream);
    }
    if (!pipeline.raw || !pipeline.source.kind->reads_a_table) return;
    complaints_.add({}, fmt::format("pipeline {} has raw = true, but rows of a table have no raw text; name raw_log in "
                                    "'columns' of source {}",
                                    quoted(pipeline.name), quoted(pipeline.source.name)));
  }

  // Null: only the data can say.
  static SchemaPtr columns_behind(const PipelineDeclared& pipeline) {
    const auto decoder = make_decoder(pipeline, [](NoteLevel, const std::string&) {});
    if (!decoder.ok() || (*decoder)->schema() == nullptr) return nullptr;
    const auto silent = [](const Place&, const std::string& what) { return Status::bad_config(what); };
    const auto columns = bind_transforms(make_transforms(pipeline, silent), (*decoder)->schema());
    return columns.ok() ? *columns : nullptr;  // what is wrong with them is said of that pipeline
  }

  void find_columns(SourceDeclared& source) {
    const PipelineDeclared* const upstream = find(source.upstream);
    if (upstream == nullptr || source.columns != nullptr) return;
    const SchemaPtr all = columns_behind(*upstream);
    if (all == nullptr) return;
    Schema columns;
    const Value* const chosen = source.settings.find("columns");
    for (const Field& field : all->fields) {
      if (chosen == nullptr && !field.bytes) columns.fields.push_back(field);
    }
    const std::vector<Value> items = chosen == nullptr   ? std::vector<Value>()
                                     : chosen->is_text() ? std::vector<Value>{*chosen}
                                                         : chosen->items;
    for (const Value& name : items) {
      if (const std::optional<size_t> at = all->find(name.text)) {
        columns.fields.push_back(all->fields[*at]);
        continue;
      }
      std::vector<std::string_view> known;
      for (const Field& field : all->fields) known.push_back(field.name);
      complaints_.add(name.at, fmt::format("table {} of pipeline {} has no column {}{}", quoted(upstream->plan.table),
                                           quoted(upstream->name), shown(name), suggestion_for(name, known)));
    }
    source.columns = std::make_shared<const Schema>(std::move(columns));
  }

  PipelineFile& file_;
  const std::vector<std::string>& names_;
  Complaints& complaints_;
};

}  // namespace

void link_pipelines(PipelineFile& file, const std::vector<std::string>& names, Complaints& complaints) {
  Linker(file, names, complaints).link();
}

}  // namespace leat::app
