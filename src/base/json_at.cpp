#include "base/json_at.h"

#include <nlohmann/json.hpp>

namespace leat {
namespace {
using nlohmann::json;

std::optional<std::string> text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return std::nullopt;
}

const json* node(const std::shared_ptr<const void>& value) {
  return static_cast<const json*>(value.get());
}

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
    return text_of(parsed.at(json::json_pointer(std::string(pointer))));
  } catch (const json::exception&) {
    return std::nullopt;  // not JSON, or nothing there
  }
}

JsonView JsonView::parse(std::string_view document) {
  JsonView view;
  json parsed = json::parse(document, nullptr, false);
  if (!parsed.is_discarded()) view.value_ = std::make_shared<const json>(std::move(parsed));
  return view;
}

JsonView JsonView::at(const std::string& name) const {
  JsonView view;
  const json* const here = node(value_);
  if (here == nullptr || !here->is_object()) return view;
  const auto found = here->find(name);
  if (found != here->end()) view.value_ = std::shared_ptr<const void>(value_, &*found);
  return view;
}

JsonView JsonView::at(size_t index) const {
  JsonView view;
  if (index < size()) view.value_ = std::shared_ptr<const void>(value_, &(*node(value_))[index]);
  return view;
}

size_t JsonView::size() const {
  const json* const here = node(value_);
  return here != nullptr && here->is_array() ? here->size() : 0;
}

std::optional<std::string> JsonView::text() const {
  const json* const here = node(value_);
  return here == nullptr ? std::nullopt : text_of(*here);
}

std::optional<uint64_t> JsonView::number() const {
  const json* const here = node(value_);
  if (here == nullptr || !here->is_number_unsigned()) return std::nullopt;
  return here->get<uint64_t>();
}

}  // namespace leat
