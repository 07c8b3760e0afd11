#include "base/json_at.h"

#include <nlohmann/json.hpp>

namespace leat {
namespace {
using nlohmann::json;
}  // namespace

bool is_json_pointer(std::string_view text) {
  try {
    const json::json_pointer parsed{std::string(text)};
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

std::optional<std::string> json_text_at(std::string_view document, std::string_view pointer) {
  try {
    const json parsed = json::parse(document);
    const json& value = parsed.at(json::json_pointer(std::string(pointer)));
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number() || value.is_boolean()) return value.dump();
  } catch (const json::exception&) {
    return std::nullopt;  // not JSON, or nothing there
  }
  return std::nullopt;
}

}  // namespace leat
