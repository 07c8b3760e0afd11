#include "decoders/json_shared.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "data/column_names.h"
#include "decoders/columns.h"
#include "decoders/json_cursor.h"
#include "decoders/typed_cell.h"

namespace leat {
namespace {

constexpr size_t kMostColumns = 400;  // a table of SQLite has room for 2,000
constexpr std::string_view kSavedHead = "json 1\n";

// What the values of a member were.
class MemberGuess {
 public:
  void see(JsonCursor& in) {
    JsonNumber number;
    JsonString string;
    switch (in.next()) {
      case '{':
      case '[':
        containers_ = true;
        break;
      case '"':
        (void)in.string(&string);
        texts_ = true;
        text_.clear();
        unescape_json(string.raw, text_);
        if (!text_.empty()) text_guess_.see(text_);
        return;
      case 't':
      case 'f':
        booleans_ = true;
        break;
      case 'n':
        break;
      default:
        (void)in.number(&number);
        numbers_ = true;
        if (number.whole()) return;
        whole_ = false;
        exact_ = exact_ && number.raw.find_first_of(".eE") != std::string_view::npos;
        return;
    }
    (void)in.value();
  }

  [[nodiscard]] Type type() const {
    if (containers_) return Type::json;
    if (texts_ + booleans_ + numbers_ != 1) return Type::text;
    if (booleans_) return Type::boolean;
    if (numbers_) return whole_ ? Type::integer : exact_ ? Type::real : Type::text;
    return text_guess_.type() == Type::time ? Type::time : Type::text;
  }

 private:
  bool containers_ = false;
  bool texts_ = false;
  bool booleans_ = false;
  bool numbers_ = false;
  bool whole_ = true;
  bool exact_ = true;  // no integer is beyond 64 bits
  TypeGuess text_guess_;
  std::string text_;
};

// Names that can be columns as they are.
bool may_be_column(std::string_view name) {
  const bool visible_name = !name.empty() && std::none_of(name.begin(), name.end(),
                                                          [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  return visible_name && !is_reserved_column(name);
}

std::string pointer_to(std::string_view name) {
  std::string path = "/";
  for (const char c : name) path += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return path;
}

}  // namespace

JsonLayoutPtr JsonShared::layout() const {
  const std::lock_guard lock(mutex_);
  return layout_;
}

void JsonShared::set(std::vector<JsonColumn> columns) {
  auto layout = JsonLayout::make(records_, columns, raw_);
  if (!layout.ok()) return;
  inferred_ = std::move(columns);
  layout_ = *std::move(layout);
}

std::string JsonShared::infer(const std::vector<std::string_view>& sample) {
  std::vector<std::pair<std::string, MemberGuess>> members;  // in the order in which they come
  size_t objects = 0;
  for (const std::string_view record : sample) {
    JsonCursor check(record);
    if (!check.value() || !check.nothing_more()) continue;
    JsonCursor in(record);
    if (in.next() != '{') continue;
    ++objects;
    in.step();
    bool more = in.next() != '}';
    while (more) {
      JsonString key;
      std::string name;
      in.next();
      (void)(in.string(&key) && in.colon());
      unescape_json(key.raw, name);
      in.next();
      auto at = std::find_if(members.begin(), members.end(), [&](const auto& one) { return one.first == name; });
      if (at == members.end()) at = members.insert(at, {std::move(name), MemberGuess()});
      at->second.see(in);
      (void)in.comma_or('}', &more);
    }
  }
  if (objects == 0) return {};
  std::vector<JsonColumn> columns;
  const auto taken = [&](std::string_view name) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const auto& one) { return equal_ignoring_case(one.name, name); });
  };
  for (const auto& [name, guess] : members) {
    if (!may_be_column(name) || taken(name) || columns.size() == kMostColumns) continue;
    columns.push_back({name, pointer_to(name), guess.type()});
  }
  std::string rest = "rest";
  while (taken(rest)) rest += '_';
  const std::string said = fmt::format("{} {}, inferred from {}; what else a record has goes to column {}",
                                       columns.size(), columns.size() == 1 ? "column" : "columns",
                                       objects == 1 ? "one record" : fmt::format("{} records", objects), quoted(rest));
  columns.push_back({rest, "", Type::json});
  const std::lock_guard lock(mutex_);
  if (!layout_) set(std::move(columns));
  return said;
}

std::string JsonShared::save() const {
  const std::lock_guard lock(mutex_);
  if (inferred_.empty()) return {};
  std::string text(kSavedHead);
  for (const JsonColumn& column : inferred_) {
    text += fmt::format("{} {}{}\n", name_of(column.type), column.path.empty() ? "=" : "/", column.name);
  }
  return text;
}

Status JsonShared::restore(std::string_view saved) {
  const std::lock_guard lock(mutex_);
  if (layout_ && inferred_.empty()) return {};  // columns are declared now
  std::vector<JsonColumn> columns;
  bool known = saved.starts_with(kSavedHead) && saved.ends_with('\n');
  if (known) saved = saved.substr(kSavedHead.size());
  while (known && !saved.empty()) {
    const std::string_view line = saved.substr(0, saved.find('\n'));
    saved.remove_prefix(line.size() + 1);
    const size_t space = std::min(line.find(' '), line.size());
    const auto type = type_named(line.substr(0, space));
    known = type && line.size() > space + 2 && (line[space + 1] == '=' || line[space + 1] == '/');
    if (!known) break;
    const std::string name(line.substr(space + 2));
    columns.push_back({name, line[space + 1] == '=' ? "" : pointer_to(name), *type});
  }
  if (!known || columns.empty()) {
    return filled_from_another_format("json", saved);
  }
  set(std::move(columns));
  return {};
}

}  // namespace leat
