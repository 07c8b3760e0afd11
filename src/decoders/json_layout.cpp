#include "decoders/json_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace leat {
namespace {

// Of a text without quotes, backslashes and control characters there is one usual way to write it.
std::string usual_token(std::string_view key) {
  const bool plain = std::all_of(key.begin(), key.end(),
                                 [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; });
  return plain ? fmt::format("\"{}\":", key) : std::string();
}

Status wrong(const JsonColumn& column, std::string_view what) {
  return Status::bad_config(fmt::format("column {}: path {} {}", quoted(column.name), quoted(column.path), what));
}

constexpr std::string_view kUp = "..";

Result<JsonAncestor> ancestor_of(const std::vector<std::string>& records, const JsonColumn& column) {
  std::string_view path = column.path;
  size_t up = 0;
  while (path.starts_with(kUp) && (path.size() == kUp.size() || path[kUp.size()] == '/')) {
    path.remove_prefix(kUp.size());
    ++up;
    if (path.starts_with("/..")) path.remove_prefix(1);
  }
  const auto tokens = parse_json_pointer(path);
  if (!tokens || tokens->empty()) return wrong(column, "names no member of what it climbs to: \"../../id\"");
  if (up > records.size() + 1) return wrong(column, "climbs out of the document");
  JsonAncestor ancestor;
  ancestor.level = records.size() + 1 - up;
  if (ancestor.level == records.size() || records[ancestor.level] == "*") {
    return wrong(column, "climbs to an array; one more '..' is the object around it");
  }
  ancestor.member = tokens->front();
  ancestor.inner.assign(tokens->begin() + 1, tokens->end());
  if (ancestor.member == records[ancestor.level]) return wrong(column, "is on the way to the records themselves");
  return ancestor;
}

}  // namespace

std::optional<std::vector<std::string>> parse_json_pointer(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') return std::nullopt;
  for (const std::string_view written : split(pointer.substr(1), '/')) {
    std::string& token = tokens.emplace_back();
    for (size_t i = 0; i < written.size(); ++i) {
      if (written[i] != '~') {
        token += written[i];
        continue;
      }
      const char escaped = ++i < written.size() ? written[i] : '\0';
      if (escaped != '0' && escaped != '1') return std::nullopt;
      token += escaped == '0' ? '~' : '/';
    }
  }
  return tokens;
}

Result<JsonLayoutPtr> JsonLayout::make(const std::vector<std::string>& records, const std::vector<JsonColumn>& columns,
                                       bool raw, size_t* wrong_column) {
  auto layout = std::make_shared<JsonLayout>();
  auto schema = std::make_shared<Schema>();
  for (size_t i = 0; i < columns.size(); ++i) {
    const JsonColumn& column = columns[i];
    if (wrong_column != nullptr) *wrong_column = i;
    schema->fields.push_back({column.name, column.type});
    if (column.path.starts_with(kUp)) {
      LEAT_ASSIGN(JsonAncestor ancestor, ancestor_of(records, column));
      ancestor.column = i;
      layout->ancestors.push_back(std::move(ancestor));
      continue;
    }
    const auto tokens = parse_json_pointer(column.path);
    if (!tokens) {
      return wrong(column,
                   "is no JSON pointer: \"/user/name\", with '~0' for '~' and '~1' for '/'; "
                   "\"../../id\" climbs to what encloses the record");
    }
    if (tokens->empty()) {
      if (column.type != Type::json) return wrong(column, "is what no other column takes, and needs type \"json\"");
      if (layout->rest) return wrong(column, "is taken by another column");
      layout->rest = i;
      continue;
    }
    JsonNode* node = &layout->root;
    for (const std::string& token : *tokens) {
      const auto at = std::find_if(node->children.begin(), node->children.end(),
                                   [&](const JsonNode& child) { return child.key == token; });
      if (at != node->children.end()) {
        node = &*at;
        continue;
      }
      JsonNode& child = node->children.emplace_back();
      child.token = JsonToken(usual_token(token));
      child.key = token;
      child.number = layout->nodes++;
      node = &child;
    }
    if (node->column != kNoJsonColumn) {
      return wrong(column, fmt::format("is that of column {}", quoted(columns[node->column].name)));
    }
    node->column = i;
    node->type = column.type;
  }
  layout->needs_member = records.empty() && !layout->rest && !layout->root.children.empty();
  if (raw) schema->fields.push_back({"raw_log", Type::text, true});
  layout->schema = std::move(schema);
  return JsonLayoutPtr(std::move(layout));
}

}  // namespace leat
