#include <fmt/format.h>

#include "app/commands.h"
#include "app/pipeline_file.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "config/expression.h"

namespace leat::app {
namespace {

// One thing that is listed, whatever its kind.
struct Item {
  std::string_view name;
  std::string_view help;
  std::span<const Option> options;
  std::string_view layout;  // of a format
  std::string_view sample;
  std::vector<std::string> columns;
  std::string_view missing{};  // why this build does not have it
};

struct Group {
  std::string_view name;
  std::vector<Item> items;
};

std::vector<Group> groups() {
  std::vector<Group> all{{"sources", {}}, {"decoders", {}}, {"transforms", {}},
                         {"sinks", {}},   {"formats", {}},  {"functions", {}}};
  for (const SourceKind& kind : source_kinds())
    all[0].items.push_back({kind.name, kind.help, kind.options, {}, {}, {}});
  for (const DecoderKind& kind : decoder_kinds())
    all[1].items.push_back({kind.name, kind.help, kind.options, {}, {}, {}});
  for (const TransformKind& kind : transform_kinds())
    all[2].items.push_back({kind.name, kind.help, kind.options, {}, {}, {}});
  for (const SinkKind& kind : sink_kinds()) {
    all[3].items.push_back({kind.name, kind.help, kind.options, {}, {}, {}, kind.missing});
  }
  for (const FormatName& format : format_names()) {
    all[4].items.push_back({format.name, format.help, {}, format.layout, format.sample, format.columns});
  }
  for (const ExpressionFunction& function : expression_functions()) {
    all[5].items.push_back({function.name, function.help, {}, {}, {}, {}});
  }
  return all;
}

std::string options_text(std::span<const Option> options, const std::string& indent) {
  std::string out;
  for (const Option& option : options) {
    out += fmt::format("{}{:<10} {}{}\n", indent, option.name, name_of(option.type),
                       option.required            ? ", required"
                       : !option.standard.empty() ? fmt::format(", default {}", option.standard)
                                                  : std::string());
    out += fmt::format("{}           {}\n", indent, option.help);
    if (option.choices != nullptr) {
      out += fmt::format("{}           one of: {}\n", indent, fmt::join(option.choices(), ", "));
    }
    out += options_text(option.inner, indent + "  ");
  }
  return out;
}

std::string detail(std::string_view group, const Item& item) {
  std::string out = fmt::format("{} ({})\n  {}\n", item.name, group.substr(0, group.size() - 1), item.help);
  if (!item.missing.empty()) out += fmt::format("not in this build\n  {}\n", item.missing);
  if (!item.layout.empty()) out += fmt::format("layout\n  {}\n", item.layout);
  if (!item.columns.empty()) out += fmt::format("columns\n  {}\n", fmt::join(item.columns, ", "));
  if (!item.sample.empty()) {
    out += "sample\n";
    for (const std::string_view line : split(item.sample, '\n')) out += fmt::format("  {}\n", line);
  }
  if (!item.options.empty()) out += "options\n" + options_text(item.options, "  ");
  return out;
}

void options_to_json(JsonWriter& json, std::span<const Option> options) {
  json.begin_array();
  for (const Option& option : options) {
    json.begin_object().field("name", option.name).field("type", name_of(option.type));
    json.field("required", option.required).key("default");
    if (option.standard.empty()) {
      json.null();
    } else {
      json.value(option.standard);
    }
    json.key("choices").begin_array();
    if (option.choices != nullptr) {
      for (const std::string_view choice : option.choices()) json.value(choice);
    }
    json.end_array().field("help", option.help).key("options");
    options_to_json(json, option.inner);
    json.end_object();
  }
  json.end_array();
}

std::string json_text() {
  JsonWriter json;
  json.begin_object();
  for (const Group& group : groups()) {
    if (group.name == "functions") continue;  // below, with what they are
    json.key(group.name).begin_array();
    for (const Item& item : group.items) {
      json.begin_object().field("name", item.name).field("help", item.help);
      if (group.name == "formats") {
        json.field("layout", item.layout).field("sample", item.sample).key("columns").begin_array();
        for (const std::string& column : item.columns) json.value(column);
        json.end_array();
      } else {
        json.key("options");
        options_to_json(json, item.options);
      }
      json.end_object();
    }
    json.end_array();
  }
  json.key("pipeline");
  options_to_json(json, pipeline_options());
  json.key("aggregate");
  options_to_json(json, aggregate_options());
  json.key("serve");
  options_to_json(json, serve_options());
  json.key("served_table");
  options_to_json(json, served_table_options());
  json.key("functions").begin_array();
  for (const ExpressionFunction& function : expression_functions()) {
    json.begin_object().field("name", function.name).field("help", function.help).field("measure", function.measure);
    json.end_object();
  }
  json.end_array().end_object();
  return json.text();
}

}  // namespace

int do_list(const ListCommand& command, const Surroundings& surroundings) {
  if (command.json) {
    surroundings.out << json_text() << '\n';
    return 0;
  }
  const auto refuse = [&](const std::string& text) {
    surroundings.err << "leat list: " << text << "\nsee: leat list --help\n";
    return 2;
  };
  std::vector<std::string_view> kinds;
  const Group* chosen = nullptr;
  const std::vector<Group> all = groups();
  for (const Group& group : all) {
    kinds.push_back(group.name);
    if (group.name == command.kind) chosen = &group;
  }
  if (!command.kind.empty() && chosen == nullptr) {
    return refuse(fmt::format("unknown kind {}{}", quoted(command.kind), suggestion(command.kind, kinds)));
  }
  if (chosen != nullptr && !command.name.empty()) {
    std::vector<std::string_view> names;
    for (const Item& item : chosen->items) {
      names.push_back(item.name);
      if (item.name != command.name) continue;
      surroundings.out << detail(chosen->name, item);
      return 0;
    }
    return refuse(fmt::format("there is no {} {}{}", chosen->name.substr(0, chosen->name.size() - 1),
                              quoted(command.name), suggestion(command.name, names)));
  }
  for (const Group& group : all) {
    if (chosen != nullptr && chosen != &group) continue;
    surroundings.out << group.name << '\n';
    for (const Item& item : group.items) {
      // A function's help begins with its name.
      surroundings.out << (group.name == "functions" ? fmt::format("  {}\n", item.help)
                                                     : fmt::format("  {:<24} {}{}\n", item.name, item.help,
                                                                   item.missing.empty() ? "" : " (not in this build)"));
    }
  }
  return 0;
}

}  // namespace leat::app
