#include "decoders/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "decoders/typed_cell.h"

namespace leat {
namespace {

constexpr size_t kShown = 80;  // bytes of a value in a reason

}  // namespace

JsonReader::JsonReader(const JsonLayout& layout, RecordBatch& batch)
    : layout_(layout),
      fields_(batch.schema().fields),
      batch_(batch),
      raw_(batch.schema().find("raw_log")),
      begin_(batch.arena.data()),
      size_(batch.arena.size()),
      seen_(layout.nodes),
      ancestors_(layout.ancestors.size()) {}

std::optional<size_t> JsonReader::read(std::string_view text, bool is_line, uint64_t offset, uint64_t line) {
  row_ = batch_.add_row({offset, line, 0});
  ++record_;
  column_ = {};
  reason_.clear();
  const size_t decoded_before = decoded_.size();
  JsonCursor in(text, is_line);
  const char* const begin = in.at();
  if (take_record(in) && (!is_line || in.nothing_more())) {
    std::string_view record = in.since(begin);
    if (is_line && record.ends_with('\r')) record.remove_suffix(1);
    const uint64_t raw = place(record, false);
    batch_.set_raw(row_, raw);
    if (raw_) batch_.set(*raw_, row_, raw);
    return record.size();
  }
  if (reason_.empty()) reason_ = in.trouble();
  batch_.drop_last_row();
  decoded_.resize(decoded_before);
  return std::nullopt;
}

bool JsonReader::take_record(JsonCursor& in) {
  rest_.clear();
  const bool object = in.next() == '{';
  const char* const begin = in.at();
  if (!(object ? take_object(in, layout_.root) : in.value())) return false;
  const std::string_view record = in.since(begin);
  if (!object) {
    reason_ = fmt::format("expected an object, found {}", quoted(record, kShown));
    return false;
  }
  if (layout_.needs_member && std::none_of(layout_.root.children.begin(), layout_.root.children.end(),
                                           [&](const JsonNode& child) { return seen_[child.number] == record_; })) {
    return no_member();
  }
  if (layout_.rest && layout_.root.children.empty()) {
    batch_.set(*layout_.rest, row_, place(record, false));
  } else if (!rest_.empty()) {
    put_rest();
  }
  for (size_t i = 0; i < ancestors_.size(); ++i) {
    const AncestorCell& value = ancestors_[i];
    if (!value.reason.empty()) return misfit(layout_.ancestors[i].column, value.reason);
    if (value.valid) batch_.set(layout_.ancestors[i].column, row_, value.cell);
  }
  return true;
}

void JsonReader::set_ancestors(const std::vector<std::string>& values) {
  for (size_t i = 0; i < ancestors_.size(); ++i) {
    AncestorCell& value = ancestors_[i];
    value = {};
    if (values[i].empty()) continue;
    const size_t column = layout_.ancestors[i].column;
    reason_.clear();
    if (values[i].front() != '{' && values[i].front() != '[') {
      JsonCursor in(values[i]);
      in.next();
      (void)take_scalar(in, column, fields_[column].type, true, &value.cell, &value.valid);
    } else if (fields_[column].type == Type::json) {
      value.cell = decoded(values[i]);
      value.valid = true;
    } else {
      (void)misfit_container(column, values[i]);
    }
    value.reason = reason_;
  }
}

// At the name of a member; then behind its ':'. `*child` is null when no column takes anything of it.
[[gnu::always_inline]] inline bool JsonReader::take_key(JsonCursor& in, const JsonNode& node, const JsonNode*& expected,
                                                        const JsonNode** child) {
  const JsonNode* const end = node.children.data() + node.children.size();
  *child = expected;
  if (expected == end || expected->token.text.empty() || !in.skip(expected->token)) {
    JsonString key;
    if (*in.at() != '"') return in.fail("'\"'");
    if (!in.string(&key) || !in.colon()) return false;
    std::string_view name = key.raw;
    if (key.escaped) {
      text_.clear();
      unescape_json(key.raw, text_);
      name = text_;
    }
    *child = node.children.data();
    while (*child != end && (*child)->key != name) ++*child;
    if (*child == end) {
      *child = nullptr;
      return true;
    }
  }
  expected = *child + 1;
  return true;
}

[[gnu::always_inline]] inline bool JsonReader::take_string(JsonCursor& in, size_t column, Type type, bool copy,
                                                           uint64_t* cell) {
  const char* const begin = in.at();
  JsonString string;
  if (!in.string(&string)) return false;
  if (type == Type::json) {
    *cell = place(in.since(begin), copy);
    return true;
  }
  if (type == Type::text) {
    if (!string.escaped) {
      *cell = place(string.raw, copy);
    } else {
      const size_t before = decoded_.size();
      unescape_json(string.raw, decoded_);
      *cell = pack_text(size_ + before, decoded_.size() - before);
    }
    return true;
  }
  text_.clear();
  unescape_json(string.raw, text_);
  return parse_cell(type, text_, cell) || misfit(column, cell_mismatch(type, text_));
}

[[gnu::always_inline]] inline bool JsonReader::take_scalar(JsonCursor& in, size_t column, Type type, bool copy,
                                                           uint64_t* cell, bool* valid) {
  const char* const begin = in.at();
  const char first = *begin;
  *valid = first != 'n';
  if (first == '"') return take_string(in, column, type, copy, cell);
  if (first == 'n') return in.literal("null");
  if (first == 't' || first == 'f') {
    if (!in.literal(first == 't' ? "true" : "false")) return false;
    if (type == Type::boolean) {
      *cell = first == 't' ? 1 : 0;
    } else if (type == Type::text || type == Type::json) {
      *cell = place(in.since(begin), copy);
    } else {
      return misfit(column, cell_mismatch(type, in.since(begin)));
    }
    return true;
  }
  JsonNumber number;
  if (!in.value_begins() || !in.number(&number)) return false;
  if (type == Type::integer && number.whole()) {
    *cell = static_cast<uint64_t>(number.value());
  } else if (type == Type::real && number.exact()) {
    *cell = std::bit_cast<uint64_t>(number.real());
  } else {
    return fit_number(column, number, copy, cell);
  }
  return true;
}

[[gnu::always_inline]] inline bool JsonReader::take_value(JsonCursor& in, const JsonNode& node) {
  uint64_t& seen = seen_[node.number];
  if (seen == record_) {
    reason_ = fmt::format("the member {} is there twice", quoted(node.key, kShown));
    if (node.column != kNoJsonColumn) column_ = fields_[node.column].name;
    return false;
  }
  seen = record_;
  const char* const begin = in.at();
  if (*begin != '{' && *begin != '[') {
    if (node.column == kNoJsonColumn) return in.value();
    uint64_t cell = 0;
    bool valid = false;
    if (!take_scalar(in, node.column, node.type, false, &cell, &valid)) return false;
    if (valid) batch_.set(node.column, row_, cell);
    return true;
  }
  if (node.children.empty() ? !in.value() : *begin == '{' ? !take_object(in, node) : !take_array(in, node)) {
    return false;
  }
  if (node.column == kNoJsonColumn) return true;
  if (node.type != Type::json) return misfit_container(node.column, in.since(begin));
  batch_.set(node.column, row_, place(in.since(begin), false));
  return true;
}

bool JsonReader::take_object(JsonCursor& in, const JsonNode& node) {
  const bool keeps_rest = layout_.rest && &node == &layout_.root;
  in.step();
  if (in.next() == '}') {
    in.step();
    return true;
  }
  const JsonNode* expected = node.children.data();
  const char* rest_begin = nullptr;  // of the members just before that belong to the rest
  for (bool more = true; more;) {
    in.next();
    const char* const member = in.at();
    const JsonNode* child = nullptr;
    if (!take_key(in, node, expected, &child)) return false;
    in.next();
    if (child == nullptr ? !in.value() : !take_value(in, *child)) return false;
    if (keeps_rest && (child == nullptr || child->column == kNoJsonColumn)) {
      if (rest_begin == nullptr) {
        rest_begin = member;
        rest_.emplace_back();
      }
      rest_.back() = in.since(rest_begin);
    } else {
      rest_begin = nullptr;
    }
    if (!in.comma_or('}', &more)) return false;
  }
  return true;
}

bool JsonReader::take_array(JsonCursor& in, const JsonNode& node) {
  in.step();
  if (in.next() == ']') {
    in.step();
    return true;
  }
  size_t index = 0;
  for (bool more = true; more; ++index) {
    const std::string number = std::to_string(index);
    const auto child = std::find_if(node.children.begin(), node.children.end(),
                                    [&](const JsonNode& one) { return one.key == number; });
    in.next();
    if (child == node.children.end() ? !in.value() : !take_value(in, *child)) return false;
    if (!in.comma_or(']', &more)) return false;
  }
  return true;
}

// A number that is not simply the integer or real that it has to be.
bool JsonReader::fit_number(size_t column, const JsonNumber& number, bool copy, uint64_t* cell) {
  constexpr double kLargestExact = 9007199254740992;  // 2^53
  const Type type = fields_[column].type;
  if (type == Type::text || type == Type::json) {
    *cell = place(number.raw, copy);
    return true;
  }
  if (type == Type::integer && number.raw.find_first_of(".eE") != std::string_view::npos) {
    uint64_t bits = 0;
    const double real = parse_cell(Type::real, number.raw, &bits) ? std::bit_cast<double>(bits) : 0.5;
    if (real == std::trunc(real) && std::abs(real) <= kLargestExact) {
      *cell = static_cast<uint64_t>(static_cast<int64_t>(real));
      return true;
    }
  } else if (parse_cell(type, number.raw, cell)) {
    return true;
  }
  return misfit(column, cell_mismatch(type, number.raw));
}

void JsonReader::put_rest() {
  const size_t before = decoded_.size();
  for (const std::string_view member : rest_) {
    decoded_ += decoded_.size() == before ? '{' : ',';
    decoded_ += member;
  }
  decoded_ += '}';
  batch_.set(*layout_.rest, row_, pack_text(size_ + before, decoded_.size() - before));
}

uint64_t JsonReader::decoded(std::string_view text) {
  decoded_ += text;
  return pack_text(size_ + decoded_.size() - text.size(), text.size());
}

// A record of which no column takes anything: an error message, or another kind of record.
bool JsonReader::no_member() {
  constexpr size_t kNames = 4;
  const std::vector<JsonNode>& children = layout_.root.children;
  std::string names;
  for (size_t i = 0; i < std::min(children.size(), kNames); ++i) {
    names += (i == 0 ? "" : ", ") + quoted(children[i].key, kShown);
  }
  reason_ =
      fmt::format("no column takes anything of it: it has none of the members {}{}; a column of path \"\" takes any",
                  names, children.size() > kNames ? ", …" : "");
  return false;
}

bool JsonReader::misfit(size_t column, std::string reason) {
  column_ = fields_[column].name;
  reason_ = std::move(reason);
  return false;
}

bool JsonReader::misfit_container(size_t column, std::string_view text) {
  return misfit(column, fmt::format("expected {}, found {}; a column of type json takes it",
                                    fields_[column].type == Type::text ? "a text" : "a value", quoted(text, kShown)));
}

}  // namespace leat
