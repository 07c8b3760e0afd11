#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "catalog/decoder_kinds.h"
#include "data/column_names.h"
#include "decoders/csv.h"

namespace leat {
namespace {

constexpr std::array<Option, 1> kColumnOptions{{
    {.name = "type", .type = OptionType::choice, .standard = "text", .choices = type_names, .help = "of its values"},
}};

constexpr std::array<Option, 6> kCsvOptions{{
    {.name = "delimiter", .standard = ",", .help = "what stands between two fields: one character, \"\\t\" for a tab"},
    {.name = "quote",
     .standard = "\"",
     .help = "what stands around a field that has delimiters or newlines: one character, or \"none\""},
    {.name = "header",
     .type = OptionType::boolean,
     .standard = "true",
     .help = "the first line of each file has the names of its columns"},
    {.name = "columns",
     .type = OptionType::columns,
     .inner = kColumnOptions,
     .help =
         "[\"NAME:TYPE\", …]: with a header, which columns are taken; without, all of them in their order. When it is "
         "absent, all columns are taken, and their types guessed from the first records"},
    {.name = "row_number",
     .help = "name of a column that numbers the records of a file from 1, rejects among them, the header not"},
    {.name = "null", .help = "what a field holds that has no value; without it that is the empty field"},
}};

// "\t" may have been written in single quotes, where TOML leaves it as it is.
std::string_view character_of(std::string_view written) {
  return written == "\\t" ? "\t" : written;
}

CsvOptions csv_options(const Settings& settings, bool raw) {
  CsvOptions options;
  const std::string quote = settings.text("quote");
  options.dialect.delimiter = character_of(settings.text("delimiter"))[0];
  options.dialect.quote = quote == "none" ? std::nullopt : std::optional(quote[0]);
  options.header = settings.boolean("header");
  options.columns = column_options(settings, "columns");
  options.row_number = settings.text("row_number");
  if (settings.has("null")) options.null = settings.text("null");
  options.raw = raw;
  return options;
}

Result<std::unique_ptr<Decoder>> make_csv(const Settings& settings, bool raw, const Note& note) {
  return make_csv_decoder(csv_options(settings, raw), note);
}

void check_character(const Settings& settings, std::string_view name, bool none, Complaints& complaints) {
  const std::string written = settings.text(name);
  const std::string_view text = character_of(written);
  if (none && text == "none") return;
  const bool good = text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x7F && text[0] != '\0' &&
                    text[0] != '\n' && text[0] != '\r';
  if (good) return;
  complaints.add(settings.place(name),
                 fmt::format("'{}' of format 'csv' must be one character of ASCII that ends no line{}, not {}", name,
                             none ? ", or \"none\"" : "", quoted(written)));
}

void check_csv(const Settings& settings, Complaints& complaints) {
  check_character(settings, "delimiter", false, complaints);
  check_character(settings, "quote", true, complaints);
  if (character_of(settings.text("delimiter")) == settings.text("quote")) {
    complaints.add(settings.place("quote"), "'quote' and 'delimiter' of format 'csv' are the same character");
  }
  const std::vector<ColumnOption> columns = column_options(settings, "columns");
  if (!settings.boolean("header") && !settings.has("columns")) {
    complaints.add(settings.place("header"),
                   "format 'csv' without a header needs 'columns': [\"NAME:TYPE\", …], all of them in their order");
  }
  for (const ColumnOption& column : columns) {
    if (!is_reserved_column(column.name)) continue;
    complaints.add(
        column.at,
        fmt::format("column {} of format 'csv': tables keep this name for themselves{}", quoted(column.name),
                    settings.boolean("header") ? ", a file's column is called " + quoted(column.name + "_2") : ""));
  }
  const std::string number = settings.text("row_number");
  const auto same = [&](const ColumnOption& column) { return equal_ignoring_case(column.name, number); };
  if (is_reserved_column(number)) {
    complaints.add(settings.place("row_number"),
                   fmt::format("'row_number' of format 'csv': tables keep the name {} for themselves", quoted(number)));
  }
  if (std::any_of(columns.begin(), columns.end(), same)) {
    complaints.add(settings.place("row_number"),
                   fmt::format("'row_number' of format 'csv': there is a column {} already", quoted(number)));
  }
}

}  // namespace

DecoderKind csv_kind() {
  return {"csv", "separated values: RFC 4180 with any delimiter and quote", kCsvOptions, make_csv, check_csv};
}

}  // namespace leat
