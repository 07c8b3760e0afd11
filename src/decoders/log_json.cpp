// Lines of JSON by the format that wrote them: the format says which key holds which variable
// (docs/formats/log-format.md §5).

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "decoders/log_columns.h"
#include "decoders/log_format.h"
#include "decoders/log_time_pieces.h"
#include "decoders/log_values.h"
#include "decoders/scan.h"

namespace leat {
namespace {

constexpr size_t kDeepest = 64;  // of values that no column takes

// One piece of a time that is written in several.
struct TimePart {
  std::string literal;
  std::string format;  // empty: the literal
};

struct Node {
  std::string key;                   // as it stands in the format, which is as it stands in the line
  std::string name;                  // of the column that it fills: for messages
  std::optional<size_t> value;       // index of a column; none: an object, a time in parts, or of no interest
  std::vector<TimePart> time_parts;  // not empty: the time, in parts
  std::vector<Node> children;
};

class JsonFormat final : public LogFormat {
 public:
  [[nodiscard]] const std::vector<Field>& extra_fields() const override { return extra_; }
  [[nodiscard]] std::vector<std::string_view> standard_columns() const override {
    std::vector<std::string_view> names;
    for (const Field& field : standard_log_fields()) {
      const bool of_request = field.name == "request_method" || field.name == "request_uri" ||
                              field.name == "server_protocol" || field.name == "request";
      const bool filled = std::any_of(columns.begin(), columns.end(), [&](const LogColumn& column) {
        return column.name == field.name || (of_request && column.shape == Shape::request);
      });
      if (filled || (field.name == "time" && time_in_parts)) names.push_back(field.name);
    }
    return names;
  }
  [[nodiscard]] std::unique_ptr<LineReader> reader(const Schema& schema) const override;

  Escape escape = Escape::server;
  Node root;
  std::vector<LogColumn> columns;
  bool time_in_parts = false;

  void finish() { extra_ = extra_fields_of(columns); }

 private:
  std::vector<Field> extra_;
};

// Reads the format string as the JSON that it will be.
class TemplateReader {
 public:
  TemplateReader(const LogLayout& layout, LayoutPlace* place) : layout_(layout), place_(place) {
    for (size_t i = 0; i < layout.pieces.size(); ++i) {
      const LayoutPiece& piece = layout.pieces[i];
      if (piece.variable) {
        items_.push_back({'\0', i});
      } else {
        for (const char c : piece.text) items_.push_back({c, i});
      }
    }
  }

  Status read(JsonFormat& format) {
    format.escape = layout_.escape;
    LEAT_TRY(read_object(format.root, 0));
    skip_spaces();
    if (at_ != items_.size()) return wrong("the format goes on behind its last '}'");
    LogLayout sole;
    sole.server = layout_.server;
    for (const size_t piece : sole_) sole.pieces.push_back(layout_.pieces[piece]);
    LEAT_ASSIGN(format.columns, columns_of(sole, place_));
    for (const std::string& key : mixed_) {
      std::string name = column_name("", key);
      const auto taken = [&](const LogColumn& column) { return column.name == name; };
      const auto& standard = standard_log_fields();
      const auto fixed = [&](const Field& field) { return field.name == name; };
      if (std::any_of(standard.begin(), standard.end(), fixed)) name.insert(0, "x_");
      while (std::any_of(format.columns.begin(), format.columns.end(), taken)) name += "_2";
      format.columns.push_back({name, Type::text, Shape::text, {}});
    }
    format.time_in_parts = time_in_parts_;
    if (time_in_parts_) {
      for (LogColumn& column : format.columns) {
        if (column.name == "time") column.name.clear();
      }
    }
    name_nodes(format.root, format.columns);
    if (format.columns.empty() && !time_in_parts_) return wrong("holds no variable");
    format.finish();
    return {};
  }

 private:
  struct Item {
    char c;  // '\0': a variable
    size_t piece;
  };

  Status wrong(const std::string& text) {
    if (items_.empty()) return Status::bad_config("holds no variable");
    const size_t at = std::min(at_, items_.size() - 1);
    const LayoutPiece& piece = layout_.pieces[items_[at].piece];
    size_t into = 0;  // bytes of the literal before it
    while (into < at && items_[at - into - 1].piece == items_[at].piece) ++into;
    *place_ = piece.variable ? piece.place : LayoutPlace{piece.places[into], 1};
    return Status::bad_config("this looks like a JSON format, but " + text);
  }

  [[nodiscard]] bool is_variable() const { return at_ < items_.size() && items_[at_].c == '\0'; }
  [[nodiscard]] char next() const { return at_ < items_.size() && !is_variable() ? items_[at_].c : '\0'; }
  void skip_spaces() {
    while (next() == ' ' || next() == '\t' || next() == '\n' || next() == '\r') ++at_;
  }

  Status expect(char c) {
    skip_spaces();
    if (next() != c) return wrong(fmt::format("'{}' is expected here", c));
    ++at_;
    return {};
  }

  Status read_object(Node& node, size_t depth) {
    if (depth > kDeepest) return wrong("it is nested too deep");
    LEAT_TRY(expect('{'));
    skip_spaces();
    if (next() == '}') {
      ++at_;
      return {};
    }
    for (;;) {
      LEAT_TRY(expect('"'));
      Node& child = node.children.emplace_back();
      for (; next() != '"'; ++at_) {
        if (is_variable()) return wrong("a key cannot be a variable");
        if (at_ == items_.size()) return wrong("a '\"' is missing");
        child.key += next();
      }
      ++at_;
      for (size_t i = 0; i + 1 < node.children.size(); ++i) {
        if (node.children[i].key == child.key) {
          at_ -= 1;
          return wrong(fmt::format("the key {} stands in it twice", quoted(child.key)));
        }
      }
      LEAT_TRY(expect(':'));
      LEAT_TRY(read_value(child, depth));
      skip_spaces();
      if (next() == ',') {
        ++at_;
        continue;
      }
      return expect('}');
    }
  }

  Status read_value(Node& node, size_t depth) {
    skip_spaces();
    if (next() == '{') return read_object(node, depth + 1);
    if (next() == '[') return wrong("a list cannot become columns; write its values under keys of their own");
    const bool text = next() == '"';
    if (text) ++at_;
    std::vector<TimePart> parts;
    std::vector<size_t> variables;
    bool literal = false;
    for (;; ++at_) {
      if (at_ == items_.size()) return wrong(text ? "a '\"' is missing" : "'}' is missing");
      if (is_variable()) {
        variables.push_back(items_[at_].piece);
        parts.push_back({"", layout_.pieces[items_[at_].piece].argument});
        continue;
      }
      const char c = next();
      if (text ? c == '"' : (c == ',' || c == '}' || c == ' ' || c == '\n' || c == '\t')) break;
      if (c == '\\' && at_ + 1 < items_.size() && items_[at_ + 1].c != '\0') ++at_;
      literal = true;
      if (parts.empty() || !parts.back().format.empty()) parts.push_back({});
      parts.back().literal += next();
    }
    if (text) ++at_;
    if (variables.empty()) return {};  // a constant
    const bool time = std::all_of(variables.begin(), variables.end(), [&](size_t piece) {
      return layout_.server == LogServer::apache && layout_.pieces[piece].text == "t" &&
             !layout_.pieces[piece].argument.empty() &&
             trouble_with_time_format(layout_.pieces[piece].argument).empty();
    });
    if (time) {
      node.time_parts = std::move(parts);
      time_in_parts_ = true;
    } else if (variables.size() == 1 && !literal) {
      node.value = sole_.size();
      sole_.push_back(variables.front());
    } else {
      node.name = "+";
      node.value = mixed_.size();
      mixed_.push_back(node.key);
    }
    return {};
  }

  void name_nodes(Node& node, const std::vector<LogColumn>& columns) {
    for (Node& child : node.children) {
      if (child.value) {
        if (child.name == "+") *child.value += sole_.size();
        child.name = columns[*child.value].name;
      }
      if (!child.time_parts.empty()) child.name = "time";
      name_nodes(child, columns);
    }
  }

  const LogLayout& layout_;
  LayoutPlace* place_;
  std::vector<Item> items_;
  size_t at_ = 0;
  std::vector<size_t> sole_;        // pieces that are a value by themselves
  std::vector<std::string> mixed_;  // keys whose value has more than a variable
  bool time_in_parts_ = false;
};

class JsonReader final : public LineReader {
 public:
  JsonReader(const JsonFormat& format, const Schema& schema)
      : format_(format),
        values_(schema, format.columns, format.escape),
        time_(schema.find("time").value_or(kNoColumn)) {}

  bool read(std::string_view line, const char* readable_end, size_t row, CellWriter& rows) override {
    begin_ = at_ = line.data();
    end_ = begin_ + line.size();
    readable_ = readable_end;
    row_ = row;
    rows_ = &rows;
    skip_spaces();
    if (!take_object(format_.root)) return false;
    skip_spaces();
    return at_ == end_ || fail("", "the end of the line", at_);
  }

 private:
  bool fail(std::string_view column, std::string_view expected, const char* at) {
    mismatch_ = {column, expected, {}, {}, static_cast<size_t>(std::min(at, end_) - begin_)};
    return false;
  }

  void skip_spaces() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
  }

  bool take(char c, std::string_view words, std::string_view column) {
    skip_spaces();
    if (at_ >= end_ || *at_ != c) return fail(column, words, at_);
    ++at_;
    return true;
  }

  // at_ is behind the opening quote; ends behind the closing one.
  bool take_string(std::string_view column, std::string_view* text, bool* plain) {
    const char* const begin = at_;
    const char* stop = skip_plain<false>(at_, readable_);
    *plain = true;
    while (stop < end_ && *stop != '"') {
      *plain = false;
      stop += *stop == '\\' ? 2 : 1;
      if (stop >= end_) break;
      stop = skip_plain<false>(stop, readable_);
    }
    if (stop >= end_) return fail(column, "'\"'", end_);
    *text = {begin, static_cast<size_t>(stop - begin)};
    at_ = stop + 1;
    return true;
  }

  bool take_object(const Node& node) {
    if (!take('{', "'{'", node.name)) return false;
    skip_spaces();
    if (at_ < end_ && *at_ == '}') {
      ++at_;
      return true;
    }
    uint64_t seen = 0;  // of the first 64 children
    size_t expected = 0;
    for (;;) {
      std::string_view key;
      bool plain = false;
      if (!take('"', "'\"'", "") || !take_string("", &key, &plain) || !take(':', "':'", "")) return false;
      skip_spaces();
      const Node* child = nullptr;
      size_t index = expected;
      if (index < node.children.size() && node.children[index].key == key) {
        child = &node.children[index];
      } else {
        for (index = 0; index < node.children.size(); ++index) {
          if (node.children[index].key != key) continue;
          child = &node.children[index];
          break;
        }
      }
      if (child != nullptr) {
        const uint64_t bit = index < 64 ? 1ULL << index : 0;
        if ((seen & bit) != 0) {
          mismatch_ = {child->name, {}, key, "stands in the line twice", static_cast<size_t>(key.data() - begin_)};
          return false;
        }
        seen |= bit;
        expected = index + 1;
      }
      if (!(child != nullptr ? take_value(*child) : skip_value())) return false;
      skip_spaces();
      if (at_ < end_ && *at_ == ',') {
        ++at_;
        continue;
      }
      return take('}', "',' or '}'", child != nullptr ? child->name : std::string_view());
    }
  }

  bool take_value(const Node& node) {
    if (!node.children.empty()) return at_ < end_ && *at_ == '{' ? take_object(node) : skip_value();
    if (!node.value && node.time_parts.empty()) return skip_value();
    std::string_view text;
    bool plain = true;
    if (at_ < end_ && *at_ == '"') {
      ++at_;
      if (!take_string(node.name, &text, &plain)) return false;
    } else if (at_ < end_ && (*at_ == '{' || *at_ == '[')) {
      return fail(node.name, "a text or a number", at_);
    } else {
      const char* const begin = at_;
      while (at_ < end_ && *at_ != ',' && *at_ != '}' && *at_ != ' ') ++at_;
      text = {begin, static_cast<size_t>(at_ - begin)};
      plain = skip_plain<false>(begin, at_) == at_;
      if (text == "null") return true;
    }
    std::string_view problem;
    if (node.time_parts.empty()) {
      problem = values_.put(*node.value, text, plain, row_, *rows_);
    } else {
      problem = put_time(node, text);
    }
    if (problem.empty()) return true;
    mismatch_ = {node.name, {}, text, problem, static_cast<size_t>(text.data() - begin_)};
    return false;
  }

  std::string_view put_time(const Node& node, std::string_view text) {
    TimePieces pieces;
    for (const TimePart& part : node.time_parts) {
      size_t size = part.literal.size();
      if (part.format.empty() ? !text.starts_with(part.literal) : !pieces.read(part.format, text, &size)) {
        return "is not a time";
      }
      text.remove_prefix(size);
    }
    int64_t micros = 0;
    if (!text.empty() || !pieces.time(&micros)) return "is not a time";
    if (time_ != kNoColumn) rows_->integer(time_, row_, micros);
    return {};
  }

  // A value that no column takes; its brackets match, its strings end.
  bool skip_value() {
    std::string_view text;
    bool plain = false;
    std::string open;
    do {
      skip_spaces();
      if (at_ >= end_) return fail("", "a value", end_);
      const char c = *at_;
      if (c == '"') {
        ++at_;
        if (!take_string("", &text, &plain)) return false;
      } else if (c == '{' || c == '[') {
        if (open.size() == kDeepest) return fail("", "fewer brackets", at_);
        open += c == '{' ? '}' : ']';
        ++at_;
      } else if (c == '}' || c == ']') {
        if (open.empty()) return true;  // a value of no characters
        if (open.back() != c) return fail("", open.back() == '}' ? "'}'" : "']'", at_);
        open.pop_back();
        ++at_;
      } else if (c == ',' && open.empty()) {
        return true;
      } else {
        ++at_;
        while (at_ < end_ && std::strchr(",:{}[]\" ", *at_) == nullptr) ++at_;
      }
    } while (!open.empty());
    return true;
  }

  const JsonFormat& format_;
  LogValues values_;
  size_t time_;
  size_t row_ = 0;
  CellWriter* rows_ = nullptr;
  const char* begin_ = nullptr;     // of the line
  const char* at_ = nullptr;        // what is before it is parsed
  const char* end_ = nullptr;       // of the line
  const char* readable_ = nullptr;  // end of what may be read
};

std::unique_ptr<LineReader> JsonFormat::reader(const Schema& schema) const {
  return std::make_unique<JsonReader>(*this, schema);
}

}  // namespace

Result<LogFormatPtr> compile_json_format(const LogLayout& layout, LayoutPlace* place) {
  auto format = std::make_shared<JsonFormat>();
  LEAT_TRY(TemplateReader(layout, place).read(*format));
  return LogFormatPtr(std::move(format));
}

}  // namespace leat
