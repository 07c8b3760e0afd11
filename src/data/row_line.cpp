#include "data/row_line.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace leat {
namespace {

constexpr std::string_view kEscaped = "\\\t\n\r";
constexpr std::string_view kLetters = "\\tnr";
constexpr std::string_view kBytes = "bytes";

}  // namespace

void append_cell(std::string& line, std::string_view bytes) {
  for (;;) {
    const size_t at = bytes.find_first_of(kEscaped);
    line.append(bytes.substr(0, at));
    if (at == std::string_view::npos) return;
    line += '\\';
    line += kLetters[kEscaped.find(bytes[at])];
    bytes.remove_prefix(at + 1);
  }
}

std::string_view take_cell(std::string_view& line) {
  const size_t tab = line.find('\t');
  const std::string_view cell = line.substr(0, tab);
  line.remove_prefix(std::min(line.size(), cell.size() + 1));
  return cell;
}

void append_meaning(std::string& text, std::string_view cell) {
  for (;;) {
    const size_t at = cell.find('\\');
    text.append(cell.substr(0, at));
    if (at == std::string_view::npos) return;
    const size_t letter = at + 1 < cell.size() ? kLetters.find(cell[at + 1]) : std::string_view::npos;
    text += letter == std::string_view::npos ? '\\' : kEscaped[letter];
    cell.remove_prefix(letter == std::string_view::npos ? at + 1 : at + 2);
  }
}

std::string line_of(const Schema& schema) {
  std::string line;
  for (const Field& field : schema.fields) {
    if (!line.empty()) line += '\t';
    line += field.bytes ? kBytes : std::string_view(name_of(field.type));
    line += '\t';
    append_cell(line, field.name);
  }
  return line;
}

Result<Schema> schema_of(std::string_view line) {
  Schema schema;
  while (!line.empty()) {
    const std::string_view word = take_cell(line);
    const std::optional<Type> type = word == kBytes ? Type::text : type_named(word);
    Field field;
    append_meaning(field.name, take_cell(line));
    if (!type || field.name.empty()) return Status::bad_config("the stored columns are not those of a table");
    field.type = *type;
    field.bytes = word == kBytes;
    schema.fields.push_back(std::move(field));
  }
  return schema;
}

}  // namespace leat
