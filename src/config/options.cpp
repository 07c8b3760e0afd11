#include "config/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace leat {

std::string_view name_of(OptionType type) {
  switch (type) {
    case OptionType::text:
      return "text";
    case OptionType::scalar:
      return "text or integer";
    case OptionType::integer:
      return "integer";
    case OptionType::boolean:
      return "boolean";
    case OptionType::size:
      return "size";
    case OptionType::duration:
      return "duration";
    case OptionType::path:
      return "path";
    case OptionType::paths:
      return "paths";
    case OptionType::names:
      return "names";
    case OptionType::choice:
      return "choice";
    case OptionType::expression:
      return "expression";
    case OptionType::expressions:
      return "expressions";
    case OptionType::section:
      return "table";
    case OptionType::sections:
      return "tables";
    case OptionType::texts:
      return "texts";
    case OptionType::scalars:
      return "texts or integers";
    case OptionType::tables:
      return "tables";
    case OptionType::format:
      return "format";
    case OptionType::columns:
      return "columns";
    case OptionType::transforms:
      return "transforms";
  }
  return "?";
}

std::string absolute_path(std::string_view directory, std::string_view path) {
  std::string whole = path.starts_with('/') ? std::string(path) : fmt::format("{}/{}", directory, path);
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
      continue;
    }
    parts.push_back(part);
  }
  std::string out;
  for (const std::string_view part : parts) {
    out += '/';
    out += part;
  }
  return out.empty() ? "/" : out;
}

const Value* Settings::find(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string_view Settings::standard(std::string_view name) const {
  for (const Option& option : options_) {
    if (option.name == name) return option.standard;
  }
  return {};
}

std::string Settings::text(std::string_view name) const {
  const Value* value = find(name);
  return value != nullptr ? value->text : std::string(standard(name));
}

uint64_t Settings::integer(std::string_view name) const {
  const Value* value = find(name);
  return static_cast<uint64_t>(value != nullptr ? value->integer : parse_integer(standard(name)).value_or(0));
}

bool Settings::boolean(std::string_view name) const {
  const Value* value = find(name);
  return value != nullptr ? value->integer != 0 : standard(name) == "true";
}

uint64_t Settings::bytes(std::string_view name) const {
  return parse_bytes(text(name)).value_or(0);
}

uint64_t Settings::milliseconds(std::string_view name) const {
  return parse_duration_ms(text(name)).value_or(0);
}

void Settings::set(std::string_view name, Value value) {
  std::erase_if(values_, [&](const auto& each) { return each.first == name; });
  values_.emplace_back(name, std::move(value));
}

std::vector<std::string> Settings::texts(std::string_view name) const {
  std::vector<std::string> out;
  if (const Value* value = find(name); value != nullptr) {
    for (const Value& item : value->items) out.push_back(item.text);
  }
  return out;
}

Settings Settings::section(std::string_view name) const {
  for (const auto& [key, settings] : sections_) {
    if (key == name) return settings;
  }
  Settings empty;
  for (const Option& option : options_) {
    if (option.name == name) empty.options_ = option.inner;
  }
  empty.at_ = at_;
  return empty;
}

std::vector<Settings> Settings::sections(std::string_view name) const {
  std::vector<Settings> out;
  for (const auto& [key, settings] : sections_) {
    if (key == name) out.push_back(settings);
  }
  return out;
}

std::vector<std::pair<std::string, Settings>> Settings::columns(std::string_view name) const {
  return section(name).sections_;
}

namespace {

void add_secrets(const Value& value, std::vector<std::string>& all) {
  all.insert(all.end(), value.secrets.begin(), value.secrets.end());
  for (const Value& item : value.items) add_secrets(item, all);
  for (const Entry& entry : value.entries) add_secrets(entry.value, all);
}

}  // namespace

std::vector<std::string> Settings::secrets() const {
  std::vector<std::string> all;
  for (const auto& [name, value] : values_) add_secrets(value, all);
  return all;
}

Place Settings::place(std::string_view name) const {
  const Value* value = find(name);
  return value != nullptr ? value->at : at_;
}

}  // namespace leat
