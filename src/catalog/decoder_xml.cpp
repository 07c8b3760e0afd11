#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "catalog/decoder_kinds.h"
#include "decoders/columns.h"
#include "decoders/xml.h"

namespace leat {
namespace {

std::vector<std::string_view> repeated_names() {
  return {"first", "join", "json"};
}

constexpr std::array<Option, 4> kColumnOptions{{
    {.name = "path",
     .required = true,
     .help =
         "where its value is, from the record: \"QID\", \"@id\", \"OWNER/NAME\", \"../../ID\" and \"../@id\" of what "
         "the record stands in, \".\" the record's own text; or from the document: \"/A/B/ID\""},
    {.name = "type", .type = OptionType::choice, .standard = "text", .choices = type_names, .help = "of its values"},
    {.name = "repeated",
     .type = OptionType::choice,
     .choices = repeated_names,
     .help = "what becomes of an element that is there more than once: the first one is taken, all are joined to one "
             "text, or become a JSON array. When it is absent, such a record is a reject"},
    {.name = "separator", .standard = ",", .help = "stands between texts that are joined"},
}};

constexpr std::array<Option, 1> kNamespaceOptions{{
    {.name = "path", .required = true, .help = "the namespace, as a document declares it with xmlns"},
}};

constexpr std::array<Option, 3> kXmlOptions{{
    {.name = "record",
     .required = true,
     .help = "the path of the elements that become rows, from the document element: \"/A/B/RECORD\""},
    {.name = "columns",
     .type = OptionType::columns,
     .inner = kColumnOptions,
     .help =
         "NAME = \"path\" or NAME = { path = \"path\", type = \"integer\" }. When it is absent, the elements in the "
         "first records and their attributes are the columns, their types inferred"},
    {.name = "namespaces",
     .type = OptionType::columns,
     .inner = kNamespaceOptions,
     .help =
         "PREFIX = \"URI\": names with this prefix, in paths, are those of the namespace, whatever its prefix in the "
         "document. Without it names are compared as they are written, with their prefixes"},
}};

XmlOptions xml_options(const Settings& settings, bool raw) {
  XmlOptions options;
  options.record = settings.text("record");
  options.raw = raw;
  for (const auto& [name, said] : settings.columns("columns")) {
    XmlColumn column;
    column.name = name;
    column.path = said.text("path");
    column.type = type_named(said.text("type")).value_or(Type::text);
    column.separator = said.text("separator");
    const std::string repeated = said.text("repeated");
    column.repeated = repeated == "first"  ? XmlRepeated::first
                      : repeated == "join" ? XmlRepeated::join
                      : repeated == "json" ? XmlRepeated::json
                                           : XmlRepeated::refuse;
    if (column.repeated == XmlRepeated::json) column.type = Type::json;
    options.columns.push_back(std::move(column));
  }
  for (const auto& [prefix, said] : settings.columns("namespaces")) {
    options.namespaces.emplace_back(prefix, said.text("path"));
  }
  return options;
}

Result<std::unique_ptr<Decoder>> make_xml(const Settings& settings, bool raw, const Note& /*note*/) {
  return make_xml_decoder(xml_options(settings, raw));
}

void check_xml(const Settings& settings, Complaints& complaints) {
  check_column_names(settings, "xml", complaints);
  if (!settings.has("record")) return;  // that was said
  const auto columns = settings.columns("columns");
  for (const auto& [name, said] : columns) {
    const std::string repeated = said.text("repeated");
    const std::string type = said.text("type");
    if (repeated == "json" && said.has("type") && type != "json") {
      complaints.add(said.place("type"),
                     fmt::format("column {}: repeated = \"json\" makes JSON, not {}", quoted(name), quoted(type)));
    }
    if (repeated == "join" && said.has("type") && type != "text") {
      complaints.add(said.place("type"),
                     fmt::format("column {}: repeated = \"join\" makes text, not {}", quoted(name), quoted(type)));
    }
    if (said.has("separator") && repeated != "join") {
      complaints.add(said.place("separator"),
                     fmt::format("column {}: 'separator' is for repeated = \"join\"", quoted(name)));
    }
    if (!said.has("path")) return;  // that was said
  }
  XmlOptions options = xml_options(settings, true);
  size_t wrong = 0;
  const std::string trouble = trouble_with_xml_paths(options, &wrong);
  if (trouble.empty()) return;
  complaints.add(wrong < columns.size() ? columns[wrong].second.place("path") : settings.place("record"), trouble);
}

}  // namespace

DecoderKind xml_kind() {
  return {"xml", "documents of any size: elements become rows", kXmlOptions, make_xml, check_xml};
}

}  // namespace leat
