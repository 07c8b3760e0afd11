#include "config/value.h"

#include <algorithm>

#include "base/redaction.h"
#include "base/text.h"

namespace leat {

Value Value::of(std::string text) {
  Value value;
  value.type = Type::text;
  value.text = std::move(text);
  return value;
}

Value Value::of(bool truth) {
  Value value;
  value.type = Type::boolean;
  value.integer = truth ? 1 : 0;
  return value;
}

Value Value::of(int64_t number) {
  Value value;
  value.type = Type::integer;
  value.integer = number;
  return value;
}

Value Value::list_of(std::vector<std::string> texts) {
  Value value;
  value.type = Type::array;
  for (std::string& text : texts) value.items.push_back(of(std::move(text)));
  return value;
}

const Entry* Value::find_entry(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

const Value* Value::find(std::string_view key) const {
  const Entry* entry = find_entry(key);
  return entry == nullptr ? nullptr : &entry->value;
}

Value& Value::set(std::string_view key, Value value) {
  for (Entry& entry : entries) {
    if (entry.key == key) {
      entry.value = std::move(value);
      return entry.value;
    }
  }
  entries.push_back({std::string(key), {}, std::move(value)});
  return entries.back().value;
}

Place place_within(const Value& value, size_t at, size_t length) {
  Place place = value.at;
  if (value.written.empty() && place.length == value.text.size() + 2) {
    place.column += static_cast<uint32_t>(at) + 1;
    place.length = static_cast<uint32_t>(std::max<size_t>(1, length));
  }
  return place;
}

std::string_view type_in_words(Value::Type type) {
  switch (type) {
    case Value::Type::text:
      return "text";
    case Value::Type::integer:
      return "an integer";
    case Value::Type::real:
      return "a number with a fraction";
    case Value::Type::boolean:
      return "true or false";
    case Value::Type::time:
      return "a date or time";
    case Value::Type::array:
      return "a list";
    case Value::Type::table:
      return "a table";
  }
  return "?";
}

std::string shown(const Value& value) {
  return quoted(shown_line(value.written.empty() ? value.text : value.written));
}

}  // namespace leat
