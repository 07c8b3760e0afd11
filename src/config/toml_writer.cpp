#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/toml.h"

namespace leat {
namespace {

bool is_bare(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string key_text(std::string_view key) {
  return is_bare(key) ? std::string(key) : quoted_text(key);
}

std::string escaped_references(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out += '$';
    out += text[i];
  }
  return out;
}

Result<std::string> value_text(const Value& value) {
  switch (value.type) {
    case Value::Type::text:
      if (!is_utf8(value.text)) {
        return Status::bad_config(
            fmt::format("{} is not UTF-8, which a TOML file must be: it cannot be written there", quoted(value.text)));
      }
      return quoted_text(escaped_references(value.text));
    case Value::Type::integer:
      return std::to_string(value.integer);
    case Value::Type::boolean:
      return std::string(value.integer != 0 ? "true" : "false");
    case Value::Type::array: {
      const bool wide = value.items.size() > 1;
      std::string out = "[";
      for (const Value& item : value.items) {
        LEAT_ASSIGN(const std::string text, value_text(item));
        out += (wide ? "\n  " : "") + text + (wide ? "," : "");
      }
      return out + (wide ? "\n]" : "]");
    }
    case Value::Type::table: {
      std::string out = "{";
      for (const Entry& entry : value.entries) {
        LEAT_ASSIGN(const std::string text, value_text(entry.value));
        out += (out.size() > 1 ? ", " : " ") + key_text(entry.key) + " = " + text;
      }
      return out + " }";
    }
    case Value::Type::real:
    case Value::Type::time:
      break;
  }
  return Status::bug("a value of this type cannot be written");
}

// Tables two deep are sections, as pipeline files are written: [sources.web].
Status write_section(const std::string& name, const Value& section, std::string& out) {
  size_t width = 0;
  for (const Entry& entry : section.entries) width = std::max(width, key_text(entry.key).size());
  out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", name);
  for (const Entry& entry : section.entries) {
    LEAT_ASSIGN(const std::string text, value_text(entry.value));
    out += fmt::format("{:<{}} = {}\n", key_text(entry.key), width, text);
  }
  return {};
}

}  // namespace

Result<std::string> write_toml(const Value& root) {
  std::string out;
  for (const Entry& kind : root.entries) {
    for (const Entry& entry : kind.value.entries) {
      LEAT_TRY(write_section(key_text(kind.key) + "." + key_text(entry.key), entry.value, out));
    }
  }
  return out;
}

}  // namespace leat
