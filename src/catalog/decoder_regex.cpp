#include <array>

#include "catalog/decoder_kinds.h"
#include "decoders/regex.h"

namespace leat {
namespace {

constexpr std::array<Option, 1> kColumnOptions{{
    {.name = "type", .type = OptionType::choice, .standard = "text", .choices = type_names, .help = "of its values"},
}};

constexpr std::array<Option, 2> kRegexOptions{{
    {.name = "pattern",
     .required = true,
     .help =
         "what a line looks like, in RE2's syntax: each named group (?P<NAME>…) is a column. Lines that it does not "
         "match are rejects"},
    {.name = "columns",
     .type = OptionType::columns,
     .inner = kColumnOptions,
     .help = "{ NAME = { type = \"integer\" }, … } or [\"NAME:TYPE\", …]: types of named groups, the others are text"},
}};

Result<std::unique_ptr<Decoder>> make(const Settings& settings, bool raw, RegexPlace* place) {
  return make_regex_decoder({settings.text("pattern"), column_options(settings, "columns"), raw}, place);
}

Result<std::unique_ptr<Decoder>> make_regex(const Settings& settings, bool raw, const Note& /*note*/) {
  RegexPlace place;
  return make(settings, raw, &place);
}

void check_regex(const Settings& settings, Complaints& complaints) {
  const Value* pattern = settings.find("pattern");
  if (pattern == nullptr) return;
  RegexPlace wrong;
  const auto made = make(settings, false, &wrong);
  if (made.ok()) return;
  if (wrong.column) {
    complaints.add(column_options(settings, "columns")[*wrong.column].at, made.status().message());
    return;
  }
  if (!pattern->written.empty()) {  // what is wrong with a secret would tell some of it
    complaints.add(pattern->at, "the pattern cannot be used");
    return;
  }
  // A text without escapes, on one line, stands in the file as it is, after its quote.
  Place place = pattern->at;
  if (place.length == pattern->text.size() + 2) {
    place.column += static_cast<uint32_t>(wrong.at) + 1;
    place.length = static_cast<uint32_t>(wrong.length);
  }
  complaints.add(place, "pattern: " + made.status().message());
}

}  // namespace

DecoderKind regex_kind() {
  return {"regex", "lines by a regular expression, whose named groups are columns", kRegexOptions, make_regex,
          check_regex};
}

}  // namespace leat
