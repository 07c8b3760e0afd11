#include "data/schema.h"

#include <array>

namespace leat {
namespace {

constexpr std::array<Type, 6> kTypes{Type::boolean, Type::integer, Type::real, Type::text, Type::time, Type::json};

}  // namespace

const char* name_of(Type type) {
  switch (type) {
    case Type::boolean:
      return "boolean";
    case Type::integer:
      return "integer";
    case Type::real:
      return "real";
    case Type::text:
      return "text";
    case Type::time:
      return "time";
    case Type::json:
      return "json";
  }
  return "?";
}

std::vector<std::string_view> type_names() {
  std::vector<std::string_view> names;
  for (const Type type : kTypes) names.emplace_back(name_of(type));
  return names;
}

std::optional<Type> type_named(std::string_view name) {
  for (const Type type : kTypes) {
    if (name == name_of(type)) return type;
  }
  return std::nullopt;
}

std::optional<size_t> Schema::find(std::string_view name) const {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) return i;
  }
  return std::nullopt;
}

}  // namespace leat
