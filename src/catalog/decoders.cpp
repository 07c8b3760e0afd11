#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/decoder_kinds.h"
#include "data/column_names.h"
#include "decoders/columns.h"
#include "decoders/table_rows.h"
#include "decoders/web_log.h"

namespace leat {
namespace {

std::vector<std::string_view> web_log_names() {
  std::vector<std::string_view> names;
  for (const WebLogFormat& format : web_log_formats()) names.push_back(format.name);
  return names;
}

constexpr std::array<Option, 2> kWebLogOptions{{
    {.name = "format",
     .type = OptionType::choice,
     .choices = web_log_names,
     .help = "the layout of the lines; without it each file's is recognised from its first 100 lines"},
    {.name = "log_format",
     .help = "instead of 'format': the string that wrote the lines, nginx's log_format or Apache's LogFormat, as it "
             "stands in the server's configuration"},
}};

Result<std::unique_ptr<Decoder>> make_web_log(const Settings& settings, bool raw, const Note& note) {
  return make_web_log_decoder({settings.text("format"), raw, settings.text("log_format")}, note);
}

void check_web_log(const Settings& settings, Complaints& complaints) {
  const Value* written = settings.find("log_format");
  if (written != nullptr) {
    size_t at = 0;
    size_t length = 0;
    const std::string trouble = trouble_with_log_format(written->text, &at, &length);
    if (!trouble.empty()) {
      if (!written->written.empty()) {  // what is wrong with a secret would tell some of it
        complaints.add(written->at, "the log_format cannot be used");
        return;
      }
      // A text without escapes, on one line, stands in the file as it is, after its quote.
      Place place = written->at;
      if (place.length == written->text.size() + 2) {
        place.column += static_cast<uint32_t>(at) + 1;
        place.length = static_cast<uint32_t>(length);
      }
      complaints.add(place, "log_format: " + trouble);
      return;
    }
  }
  const auto made = make_web_log(settings, true, {});
  if (!made.ok()) complaints.add(settings.place(written != nullptr ? "log_format" : "format"), made.status().message());
}

}  // namespace

void check_column_names(const Settings& settings, std::string_view format, Complaints& complaints) {
  for (const ColumnOption& column : column_options(settings, "columns")) {
    if (!is_reserved_column(column.name)) continue;
    complaints.add(column.at,
                   fmt::format("column {} of format '{}': tables keep this name for themselves; take another one",
                               quoted(column.name), format));
  }
}

std::span<const DecoderKind> decoder_kinds() {
  static const std::array<DecoderKind, 5> kinds{{
      {"web_log", "access logs of nginx, Apache, IIS and others", kWebLogOptions, make_web_log, check_web_log, true},
      csv_kind(),
      json_kind(),
      xml_kind(),
      regex_kind(),
  }};
  return kinds;
}

const DecoderKind& table_rows_kind() {
  static const DecoderKind kind{
      "table_rows",
      "rows of a table",
      {},
      [](const Settings&, bool, const Note&) -> Result<std::unique_ptr<Decoder>> { return make_table_rows_decoder(); },
      [](const Settings&, Complaints&) {},
  };
  return kind;
}

std::vector<FormatName> format_names() {
  std::vector<FormatName> names;
  for (const WebLogFormat& format : web_log_formats()) {
    names.push_back({format.name, "web_log", format.layout, format.help, format.sample, web_log_columns(format.name)});
  }
  return names;
}

}  // namespace leat
