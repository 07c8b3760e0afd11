#include "server/row_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/json_writer.h"
#include "base/text.h"
#include "server/http.h"

namespace leat {
namespace {

constexpr std::array<RowFormatName, 4> kFormats{{
    {"json", "application/json", RowFormat::json},
    {"ndjson", "application/x-ndjson", RowFormat::ndjson},
    {"xml", "application/xml", RowFormat::xml},
    {"csv", "text/csv; charset=utf-8; header=present", RowFormat::csv},
}};

void add_integer(std::string& out, int64_t value) {
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.size());
}

// One JSON value and nothing else (RFC 8259), not nested too deeply.
class JsonCheck {
 public:
  explicit JsonCheck(std::string_view text) : text_(text) {}
  bool whole() {
    if (!value(0)) return false;
    space();
    return at_ == text_.size() && is_utf8(text_);
  }

 private:
  static constexpr int kDeepest = 100;

  bool value(int depth) {
    space();
    switch (peek()) {
      case '{':
        return depth < kDeepest && members('}', depth, true);
      case '[':
        return depth < kDeepest && members(']', depth, false);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }
  bool members(char end, int depth, bool named) {
    ++at_;
    space();
    if (take(end)) return true;
    do {
      space();
      if (named && !(string() && (space(), take(':')))) return false;
      if (!value(depth + 1)) return false;
      space();
    } while (take(','));
    return take(end);
  }
  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_++] != '\\') continue;
      const char escaped = peek();
      ++at_;
      if (escaped == 'u') {
        for (int i = 0; i < 4; ++i, ++at_) {
          if (!is_one_of(peek(), "0123456789abcdefABCDEF")) return false;
        }
      } else if (!is_one_of(escaped, "\"\\/bfnrt")) {
        return false;
      }
    }
    return take('"');
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }
  bool digits() {
    const size_t from = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > from;
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }
  void space() {
    while (is_one_of(peek(), " \t\r\n")) ++at_;
  }
  bool take(char c) {
    if (peek() != c || c == '\0') return false;
    ++at_;
    return true;
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  static bool is_one_of(char c, std::string_view set) { return c != '\0' && set.find(c) != std::string_view::npos; }

  std::string_view text_;
  size_t at_ = 0;
};

void add_json(std::string& out, Type type, const ResultCell& cell) {
  if (const auto* integer = std::get_if<int64_t>(&cell)) {
    if (type == Type::boolean) {
      out += *integer != 0 ? "true" : "false";
    } else {
      add_integer(out, *integer);
    }
  } else if (const auto* real = std::get_if<double>(&cell)) {
    out += std::isfinite(*real) ? fmt::format("{}", *real) : "null";
  } else if (const auto* text = std::get_if<std::string_view>(&cell)) {
    if (type != Type::json || !JsonCheck(*text).whole()) return add_json_string(out, *text);
    // Line ends can only stand between tokens there; NDJSON has one row a line.
    for (const char c : *text) out += c == '\n' || c == '\r' ? ' ' : c;
  } else {
    out += "null";
  }
}

class JsonRows final : public RowText {
 public:
  JsonRows(const std::vector<Field>& fields, bool lines) : lines_(lines) {
    for (const Field& field : fields) {
      std::string& name = names_.emplace_back(names_.empty() ? "{" : ",");
      add_json_string(name, field.name);
      name += ':';
      types_.push_back(field.type);
    }
  }
  void begin(std::string& out) const override {
    if (!lines_) out += "{\"data\":[";
  }
  void row(std::string& out, std::span<const ResultCell> cells, bool first) const override {
    if (!lines_) out += first ? "\n" : ",\n";
    for (size_t i = 0; i < cells.size(); ++i) {
      out += names_[i];
      add_json(out, types_[i], cells[i]);
    }
    out += lines_ ? "}\n" : "}";
  }
  void end(std::string& out, uint64_t rows, const std::optional<std::string>& next) const override {
    if (lines_) return;
    out += fmt::format("\n],\"count\":{}", rows);
    if (next) {
      out += ",\"next\":";
      if (next->empty()) {
        out += "null";
      } else {
        add_json_string(out, *next);
      }
    }
    out += "}\n";
  }

 private:
  bool lines_;
  std::vector<std::string> names_;  // with what stands around them: `{"time":`, `,"status":`
  std::vector<Type> types_;
};

// Numbers as in JSON; `add_text` escapes the others.
template <class AddText>
void add_plain(std::string& out, Type type, const ResultCell& cell, const AddText& add_text) {
  if (const auto* text = std::get_if<std::string_view>(&cell)) {
    add_text(out, *text);
  } else if (const auto* real = std::get_if<double>(&cell); real == nullptr || std::isfinite(*real)) {
    add_json(out, type, cell);
  }
}

// What XML 1.0 cannot hold stays visible.
void add_xml_text(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    size_t length = 1;
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\r') {
      out += "&#13;";
    } else if (c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7F)) {
      out += text[i];
    } else {
      length = c < 0x80 ? 0 : utf8_sequence(text.substr(i));
      const std::string_view sequence = text.substr(i, length);
      if (length == 0 || sequence == "\xEF\xBF\xBE" || sequence == "\xEF\xBF\xBF") {
        out += fmt::format("\\x{:02X}", c);
        length = 1;
      } else {
        out += sequence;
      }
    }
    i += length;
  }
}

// Of ASCII only; such a name that begins with "xml" is reserved.
bool is_xml_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !is_letter(name[0]) || same_ignoring_case(name.substr(0, 3), "xml")) return false;
  for (const char c : name) {
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != '.') return false;
  }
  return true;
}

class XmlRows final : public RowText {
 public:
  explicit XmlRows(const std::vector<Field>& fields) {
    for (const Field& field : fields) {
      Tags& tags = tags_.emplace_back();
      tags.type = field.type;
      tags.open = is_xml_name(field.name) ? "<" + field.name : "<column name=\"";
      tags.close = is_xml_name(field.name) ? "</" + field.name + ">" : "</column>";
      if (!is_xml_name(field.name)) {
        add_xml_text(tags.open, field.name);
        tags.open += '"';
      }
      tags.open += '>';
    }
  }
  void begin(std::string& out) const override { out += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<records>\n"; }
  void row(std::string& out, std::span<const ResultCell> cells, bool) const override {
    out += "<record>";
    for (size_t i = 0; i < cells.size(); ++i) {
      if (std::holds_alternative<std::monostate>(cells[i])) continue;
      out += tags_[i].open;
      add_plain(out, tags_[i].type, cells[i], add_xml_text);
      out += tags_[i].close;
    }
    out += "</record>\n";
  }
  void end(std::string& out, uint64_t, const std::optional<std::string>&) const override { out += "</records>\n"; }

 private:
  struct Tags {
    std::string open;
    std::string close;
    Type type = Type::text;
  };
  std::vector<Tags> tags_;
};

// RFC 4180. An empty text is "", so that it is not a NULL.
void add_csv_text(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos && text.front() != ' ' &&
      text.back() != ' ' && is_utf8(text)) {
    out += text;
    return;
  }
  out += '"';
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_sequence(text.substr(i));
    if (length == 0) {
      out += fmt::format("\\x{:02X}", static_cast<unsigned char>(text[i++]));
      continue;
    }
    if (text[i] == '"') out += '"';
    out += text.substr(i, length);
    i += length;
  }
  out += '"';
}

class CsvRows final : public RowText {
 public:
  explicit CsvRows(const std::vector<Field>& fields) : fields_(fields) {}
  void begin(std::string& out) const override {
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (i > 0) out += ',';
      add_csv_text(out, fields_[i].name);
    }
    out += "\r\n";
  }
  void row(std::string& out, std::span<const ResultCell> cells, bool) const override {
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) out += ',';
      if (std::holds_alternative<std::monostate>(cells[i])) continue;
      add_plain(out, fields_[i].type, cells[i], add_csv_text);
    }
    out += "\r\n";
  }
  void end(std::string&, uint64_t, const std::optional<std::string>&) const override {}

 private:
  std::vector<Field> fields_;
};

}  // namespace

std::span<const RowFormatName> row_formats() {
  return kFormats;
}

std::unique_ptr<RowText> make_row_text(RowFormat format, const std::vector<Field>& fields) {
  switch (format) {
    case RowFormat::json:
    case RowFormat::ndjson:
      return std::make_unique<JsonRows>(fields, format == RowFormat::ndjson);
    case RowFormat::xml:
      return std::make_unique<XmlRows>(fields);
    case RowFormat::csv:
      break;
  }
  return std::make_unique<CsvRows>(fields);
}

}  // namespace leat
