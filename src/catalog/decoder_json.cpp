#include <array>

#include "catalog/decoder_kinds.h"
#include "decoders/columns.h"
#include "decoders/json.h"

namespace leat {
namespace {

constexpr std::array<Option, 2> kColumnOptions{{
    {.name = "path",
     .required = true,
     .may_be_empty = true,
     .help = "where its value is in the record: a JSON pointer, \"/user/name\"; \"\" is what no other column takes; "
             "\"../../id\" climbs from the record to what encloses it, an array or an object at each step"},
    {.name = "type", .type = OptionType::choice, .standard = "text", .choices = type_names, .help = "of its values"},
}};

constexpr std::array<Option, 2> kJsonOptions{{
    {.name = "records",
     .may_be_empty = true,
     .help = "the path of the array whose elements are the records, \"/data/items\"; '*' is every element of an array "
             "on the way, \"/hosts/*/detections\". Without it the outermost array, or a record on each line"},
    {.name = "columns",
     .type = OptionType::columns,
     .inner = kColumnOptions,
     .help = "NAME = \"path\" or NAME = { path = \"path\", type = \"integer\" }. When it is absent, the members of the "
             "first records are the columns, their types inferred, and a column takes what comes later"},
}};

JsonOptions options_of(const Settings& settings, bool raw) {
  JsonOptions options;
  options.records = settings.text("records");
  options.raw = raw;
  for (const ColumnOption& column : column_options(settings, "columns")) {
    options.columns.push_back({column.name, column.path, column.type.value_or(Type::text)});
  }
  return options;
}

Result<std::unique_ptr<Decoder>> make_json(const Settings& settings, bool raw, const Note& /*note*/) {
  return make_json_decoder(options_of(settings, raw));
}

void check_json_options(const Settings& settings, Complaints& complaints) {
  check_column_names(settings, "json", complaints);
  JsonOptions options = options_of(settings, true);
  std::vector<ColumnOption> columns = column_options(settings, "columns");
  // All that is wrong: without the column that is, the next one is found.
  for (;;) {
    size_t wrong = 0;
    const auto made = make_json_decoder(options, &wrong);
    if (made.ok()) return;
    if (wrong == columns.size()) return complaints.add(settings.place("records"), made.status().message());
    const ColumnOption& column = columns[wrong];
    const bool has_path = column.path_at.line != column.at.line || column.path_at.column != column.at.column;
    if (has_path) complaints.add(column.path_at, made.status().message());  // else that was complained of
    options.columns.erase(options.columns.begin() + static_cast<std::ptrdiff_t>(wrong));
    columns.erase(columns.begin() + static_cast<std::ptrdiff_t>(wrong));
  }
}

}  // namespace

DecoderKind json_kind() {
  return {"json", "JSON: lines of it, or an array in a document of any size", kJsonOptions, make_json,
          check_json_options};
}

}  // namespace leat
