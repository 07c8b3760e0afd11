#include "config/toml.h"

#include <fmt/format.h>

// "[!" makes untrue what toml++ asserts of a key, and with NDEBUG lets clang assume; without either it is an error.
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>

#include "base/text.h"

namespace leat {
namespace {

Place place_of(const toml::source_region& region) {
  Place place{region.begin.line, region.begin.column, 1};
  if (region.end.line == region.begin.line && region.end.column > region.begin.column) {
    place.length = region.end.column - region.begin.column;
  }
  return place;
}

Value convert(const toml::node& node);

Value convert_table(const toml::table& table) {
  Value value;
  for (const auto& [key, child] : table) {
    value.entries.push_back({std::string(key.str()), place_of(key.source()), convert(child)});
  }
  std::stable_sort(value.entries.begin(), value.entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.key_at.line, a.key_at.column) < std::pair(b.key_at.line, b.key_at.column);
  });
  return value;
}

Value convert(const toml::node& node) {
  Value value;
  if (const auto* table = node.as_table()) {
    value = convert_table(*table);
  } else if (const auto* array = node.as_array()) {
    value.type = Value::Type::array;
    for (const toml::node& item : *array) value.items.push_back(convert(item));
  } else if (const auto* text = node.as_string()) {
    value = Value::of(text->get());
  } else if (const auto* integer = node.as_integer()) {
    value = Value::of(integer->get());
  } else if (const auto* real = node.as_floating_point()) {
    value.type = Value::Type::real;
    value.real = real->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value = Value::of(boolean->get());
  } else {
    value.type = Value::Type::time;
  }
  value.at = place_of(node.source());
  return value;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The parser's description in a person's words, with the way out where the cause is a common one.
std::string friendly(std::string_view description, std::string_view line, bool last_line) {
  std::string what(description);
  constexpr std::string_view kDoing = "Error while parsing ";
  if (what.starts_with(kDoing)) what = "this is not TOML: in the " + what.substr(kDoing.size());
  constexpr std::string_view kEnd = "encountered end-of-file";
  if (const size_t i = what.find(kEnd); i != std::string::npos) what.replace(i, kEnd.size(), "the file ends too early");
  const size_t brace = line.find('{');
  const bool open_brace = brace != std::string_view::npos && line.find('}', brace) == std::string_view::npos;
  const bool quotes_odd = std::count(line.begin(), line.end(), '"') % 2 != 0;
  const std::string_view trimmed = trim(line);
  if (holds(description, "inline table") && (open_brace || trimmed.empty() || !holds(line, "{"))) {
    return what + "; an inline table { … } stays on one line: give it its own [table] to use several lines";
  }
  if (holds(description, "cannot redefine existing")) return what + "; join the two, or rename one";
  if (holds(description, "escape sequence")) {
    return what + R"(; a backslash is written \\ in "…", or use single quotes: '…')";
  }
  if (holds(description, "string") && (quotes_odd || last_line)) return what + "; is a closing quote missing?";
  if (holds(description, "could not determine value type") || holds(description, "value-terminator") ||
      holds(description, "boolean") || holds(description, "digit, saw")) {
    return what + "; text is written in quotes: \"…\"";
  }
  if (holds(description, "expected '='")) return what + "; an option is written NAME = VALUE";
  return what;
}

std::string_view line_at(std::string_view text, uint32_t number) {
  const std::vector<std::string_view> lines = split(text, '\n');
  return number >= 1 && number <= lines.size() ? lines[number - 1] : std::string_view();
}

uint32_t characters(std::string_view line) {
  return static_cast<uint32_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

Value parse_toml(std::string_view text, Complaints& complaints) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (!is_utf8(text)) {
    uint32_t line = 1;
    uint32_t column = 1;
    size_t at = 0;
    while (const size_t length = utf8_sequence(text.substr(at))) {
      column = text[at] == '\n' ? 1 : column + 1;
      line += text[at] == '\n' ? 1 : 0;
      at += length;
    }
    complaints.add({line, column, 1}, fmt::format("byte {} is not UTF-8, which TOML must be; save the file as UTF-8",
                                                  visible(text.substr(at, 1))));
    return {};
  }
  const toml::parse_result result = toml::parse(text);
  if (!result) {
    const toml::parse_error& error = result.error();
    Place at{error.source().begin.line, error.source().begin.column, 1};
    const auto lines = static_cast<uint32_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    const std::string_view line = line_at(text, at.line);
    at.column = std::min(at.column, characters(line) + 1);  // toml++ counts on behind the last newline
    complaints.add(at, friendly(visible(error.description(), 400), line, at.line >= lines));
    return {};
  }
  return convert_table(result.table());
}

}  // namespace leat
