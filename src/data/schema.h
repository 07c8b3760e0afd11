#pragma once

// What the columns of a batch and of a table are. A Schema never changes once it is shared. Any thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leat {

enum class Type : uint8_t {
  boolean,
  integer,  // int64_t
  real,     // double
  text,     // valid UTF-8 without control characters left over from escapes, unless Field::bytes
  time,     // microseconds since 1970-01-01T00:00:00Z
  json,     // text that is one JSON value
};

const char* name_of(Type type);  // the word used in configuration: "integer"
std::vector<std::string_view> type_names();
std::optional<Type> type_named(std::string_view name);

struct Field {
  std::string name;
  Type type = Type::text;
  bool bytes = false;  // a text column whose cells may be any bytes (the raw record); sinks store it byte-exact
  friend bool operator==(const Field&, const Field&) = default;
};

struct Schema {
  std::vector<Field> fields;
  [[nodiscard]] std::optional<size_t> find(std::string_view name) const;
  friend bool operator==(const Schema&, const Schema&) = default;
};

using SchemaPtr = std::shared_ptr<const Schema>;

}  // namespace leat
