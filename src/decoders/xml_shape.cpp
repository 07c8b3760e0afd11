#include "decoders/xml_shape.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "decoders/columns.h"
#include "decoders/xml_scanner.h"

namespace leat {
namespace {

// Whether a path is that of an attribute of `element` ("ELEMENT/@a"), or of the record ("@a") when that is empty.
bool is_attribute_of(std::string_view path, std::string_view element) {
  return path.size() > element.size() + 1 && path.starts_with(element) && path.substr(element.size()).starts_with("/@");
}

bool same_path(std::string_view path, std::string_view element, std::string_view attribute) {
  if (attribute.empty()) return path == element;
  const size_t slash = element.empty() ? 0 : element.size() + 1;
  if (path.size() != slash + 1 + attribute.size() || !path.ends_with(attribute)) return false;
  return element.empty() ? path[0] == '@' : is_attribute_of(path, element);
}

}  // namespace

XmlShape::XmlShape(const std::vector<XmlColumn>& known) {
  for (const XmlColumn& column : known) {
    Found& found = found_.emplace_back();
    found.path = column.path;
    found.name = column.name;
    found.known = column;
  }
}

XmlShape::Found* XmlShape::find(std::string_view path, std::string_view attribute, const XmlEncoding* encoding) {
  for (size_t i = 0; i < found_.size(); ++i) {
    const size_t index = hint_ + i < found_.size() ? hint_ + i : hint_ + i - found_.size();
    if (!same_path(found_[index].path, path, attribute)) continue;
    hint_ = index + 1 < found_.size() ? index + 1 : 0;
    return &found_[index];
  }
  too_many_ = too_many_ || (encoding != nullptr && found_.size() >= kMostColumns);
  if (encoding == nullptr || too_many_) return nullptr;
  Found& found = found_.emplace_back();
  encoding->append(path, found.name);
  found.path = path;
  if (attribute.empty()) return &found;
  if (!path.empty()) {
    found.path += '/';
    found.name += '_';
  }
  found.path += '@';
  found.path += attribute;
  encoding->append(attribute, found.name);
  return &found;
}

bool XmlShape::is_json(std::string_view path) const {
  return std::any_of(found_.begin(), found_.end(), [&](const Found& found) {
    return found.path == path && (found.known.type == Type::json || found.nested || found.repeated);
  });
}

void XmlShape::note(Found& found, std::string_view value) const {
  found.repeated = found.repeated || found.record == record_;
  found.record = record_;
  if (!is_xml_null(value)) found.guess.see(trim(value));
}

bool XmlShape::attributes(std::string_view body, std::string_view element, const XmlEncoding* encoding) {
  for (XmlAttribute attribute; next_xml_attribute(body, attribute);) {
    if (attribute.name == "xmlns" || attribute.name.starts_with("xmlns:")) continue;
    Found* const found = find(element, attribute.name, encoding);
    if (found == nullptr) return false;
    if (encoding == nullptr || !found->known.path.empty()) continue;
    std::string_view text;
    std::string trouble;
    made_.clear();
    if (xml_attribute_text(attribute.value, *encoding, made_, &text, &trouble)) note(*found, text);
  }
  return true;
}

// Without an encoding: whether everything is known. Else it becomes known.
bool XmlShape::walk(std::string_view record, const XmlEncoding* encoding) {
  ++record_;
  hint_ = 0;
  const char* at = record.data();
  const char* const limit = at + record.size();
  const XmlToken start = next_xml_token(at, limit);
  if (start.kind != XmlKind::start || !attributes(start.body, {}, encoding)) return start.kind != XmlKind::start;
  std::vector<XmlPiece> pieces;
  bool nested = false;
  XmlNesting nesting;
  for (at = start.end; !start.closed && at < limit;) {
    const XmlToken token = next_xml_token(at, limit);
    if (token.kind == XmlKind::end || token.kind == XmlKind::more || token.kind == XmlKind::bad) break;
    if (token.kind == XmlKind::text || token.kind == XmlKind::cdata) {
      pieces.push_back({token.body, token.kind == XmlKind::text ? XmlTextKind::text : XmlTextKind::cdata, token.plain});
    }
    if (token.kind != XmlKind::start) {
      at = token.end;
      continue;
    }
    nested = true;
    const char* const begin = at;
    nesting.reset(0);
    if (nesting.go(at, limit) != XmlNesting::What::done) break;
    Found* const child = find(token.name, {}, encoding);
    if (child == nullptr) return false;
    const bool json = child->known.type == Type::json;
    if (encoding != nullptr && child->known.path.empty()) {
      // As the decoder reads it.
      XmlElement element;
      std::vector<XmlPiece> texts;
      for (const char* in = token.end; !token.closed && in < at;) {
        const XmlToken inner = next_xml_token(in, at);
        if (inner.kind == XmlKind::more || inner.kind == XmlKind::bad) break;
        in = inner.end;
        if (inner.kind == XmlKind::start) element.nested = true;
        if (inner.kind == XmlKind::text) texts.push_back({inner.body, XmlTextKind::text, inner.plain});
        if (inner.kind == XmlKind::cdata) texts.push_back({inner.body, XmlTextKind::cdata});
      }
      element.pieces = texts;
      element.whole = {begin, static_cast<size_t>(at - begin)};
      child->nested = child->nested || element.nested;
      std::string_view text;
      std::string trouble;
      made_.clear();
      if (!xml_element_text(element, *encoding, made_, &text, &trouble)) text = {};
      note(*child, text);
    }
    if (!json && !token.body.empty() && !attributes(token.body, token.name, encoding)) return false;
  }
  const bool own = !nested && std::any_of(pieces.begin(), pieces.end(),
                                          [](const XmlPiece& piece) { return !is_xml_null(piece.text); });
  if (!own) return true;
  Found* const text = find(".", {}, encoding);
  if (text == nullptr) return false;
  if (encoding == nullptr || !text->known.path.empty()) return true;
  text->name = start.name;
  std::string_view value;
  std::string trouble;
  made_.clear();
  if (xml_element_text({pieces, record, false}, *encoding, made_, &value, &trouble)) note(*text, value);
  return true;
}

std::vector<XmlColumn> XmlShape::columns() const {
  std::vector<std::string> taken{"site"};  // databases do not tell upper from lower case in names
  std::vector<XmlColumn> columns;
  for (const Found& found : found_) {
    if (!found.known.path.empty()) {
      columns.push_back(found.known);
      taken.push_back(found.name);
      continue;
    }
    const size_t slash = found.path.find('/');
    if (slash != std::string::npos && is_json(found.path.substr(0, slash))) continue;
    XmlColumn column;
    column.path = found.path;
    column.name = column_name_for(found.name, [&](const std::string& name) {
      return std::any_of(taken.begin(), taken.end(),
                         [&](const auto& other) { return equal_ignoring_case(other, name); });
    });
    taken.push_back(column.name);
    const bool json = found.nested || found.repeated;
    column.type = json ? Type::json : found.guess.type();
    column.repeated = found.repeated ? XmlRepeated::json : XmlRepeated::refuse;
    column.flat = !json;
    columns.push_back(std::move(column));
  }
  return columns;
}

// A line of each: type, repeated, path, name.
std::string save_xml_columns(const std::vector<XmlColumn>& columns) {
  std::string saved = "xml1\n";
  for (const XmlColumn& column : columns) {
    saved += std::string(name_of(column.type)) + " " + (column.repeated == XmlRepeated::json ? "each" : "one") + " " +
             column.path + " " + column.name + "\n";
  }
  return saved;
}

bool restore_xml_columns(std::string_view saved, std::vector<XmlColumn>* columns) {
  columns->clear();
  if (!saved.starts_with("xml1\n") || !saved.ends_with('\n')) return false;
  saved.remove_suffix(1);
  const std::vector<std::string_view> lines = split(saved, '\n');
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string_view> words = split(lines[i], ' ');
    if (words.size() != 4) return false;
    const std::optional<Type> type = type_named(words[0]);
    if (!type || words[2].empty() || words[3].empty()) return false;
    XmlColumn& column = columns->emplace_back();
    column.type = *type;
    column.repeated = words[1] == "each" ? XmlRepeated::json : XmlRepeated::refuse;
    column.path = words[2];
    column.name = words[3];
    column.flat = *type != Type::json;
  }
  return !columns->empty();
}

}  // namespace leat
