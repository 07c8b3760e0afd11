#include "decoders/xml_element.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "decoders/xml_scanner.h"

namespace leat {
namespace {

// Behind a start tag that is well formed, whose name ends at `at`: behind its '>'. *body: its attributes.
const char* behind_tag(const char* at, const char* limit, std::string_view* body, bool* closed) {
  const char* const begin = at;
  while (at < limit && *at != '>') {
    if (*at == '"' || *at == '\'') {
      const auto* close = static_cast<const char*>(std::memchr(at + 1, *at, static_cast<size_t>(limit - at - 1)));
      at = close == nullptr ? limit - 1 : close;
    }
    ++at;
  }
  if (at == limit) return limit;
  *closed = at > begin && at[-1] == '/';
  *body = {begin, static_cast<size_t>(at - begin - (*closed ? 1 : 0))};
  return at + 1;
}

}  // namespace

void XmlScopes::open(uint32_t depth, std::string_view attributes) {
  for (XmlAttribute attribute; next_xml_attribute(attributes, attribute);) {
    if (!attribute.name.starts_with("xmlns")) continue;
    std::string_view prefix = attribute.name.substr(5);
    if (!prefix.empty() && prefix[0] != ':') continue;
    if (!prefix.empty()) prefix.remove_prefix(1);
    std::string uri;
    std::string trouble;
    decode_xml_text(attribute.value, XmlTextKind::attribute, {}, uri, &trouble);
    declared.push_back({depth, std::string(prefix), std::move(uri)});
  }
}

void XmlScopes::close(uint32_t depth) {
  while (!declared.empty() && declared.back().depth >= depth) declared.pop_back();
}

bool XmlScopes::fits(const XmlName& wanted, std::string_view written, bool attribute) const {
  if (wanted.uri.empty()) return wanted.text == written;
  const size_t colon = written.find(':');
  const std::string_view prefix = colon == std::string_view::npos ? std::string_view() : written.substr(0, colon);
  if (written.substr(colon == std::string_view::npos ? 0 : colon + 1) != wanted.text) return false;
  if (attribute && prefix.empty()) return false;  // such attributes are in no namespace
  for (auto scope = declared.rbegin(); scope != declared.rend(); ++scope) {
    if (scope->prefix == prefix) return scope->uri == wanted.uri;
  }
  return false;
}

uint32_t find_xml_child(const XmlPaths& paths, uint32_t node, std::string_view name, const XmlScopes& scopes,
                        uint32_t* hint) {
  const std::vector<uint32_t>& children = paths.nodes[node].children;
  const auto count = static_cast<uint32_t>(children.size());
  // Records mostly have their elements in one order.
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t index = *hint + i < count ? *hint + i : *hint + i - count;
    const XmlName& wanted = paths.nodes[children[index]].name;
    if (wanted.uri.empty() ? !same_xml_name(wanted.text, name) : !scopes.fits(wanted, name, false)) continue;
    *hint = index + 1 < count ? index + 1 : 0;
    return children[index];
  }
  return 0;
}

void read_xml_attributes(std::string_view body, const XmlNode& node, const XmlScopes& scopes, XmlValues& values) {
  for (XmlAttribute attribute; next_xml_attribute(body, attribute);) {
    for (const auto& [name, column] : node.attributes) {
      if (scopes.fits(name, attribute.name, true)) values.attribute(column, attribute.value);
    }
  }
}

const char* XmlElementReader::read(const char* at, const char* limit, uint32_t depth, const XmlPaths& paths,
                                   uint32_t node, XmlScopes& scopes, XmlValues& values) {
  open_.clear();
  pieces_.clear();
  size_t wanted = 0;  // open elements whose text is
  const auto finish = [&](const Open& element, const char* end) {
    const XmlElement value{std::span(pieces_).subspan(element.first_piece),
                           {element.begin, static_cast<size_t>(end - element.begin)},
                           element.nested};
    for (const uint32_t column : paths.nodes[element.node].values) values.element(column, value);
    if (--wanted == 0) pieces_.clear();
  };
  while (at < limit) {
    if (*at != '<') {
      XmlPiece piece;
      const char* const stop = find_xml_text_end(at, limit, &piece.plain);
      piece.text = {at, static_cast<size_t>(stop - at)};
      if (wanted > 0) pieces_.push_back(piece);
      at = stop;
      continue;
    }
    if (limit - at < 2) break;
    if (at[1] == '/') {
      if (open_.empty()) break;
      const Open& element = open_.back();
      at += 2 + element.name_length;
      while (at < limit && *at != '>') ++at;
      if (at < limit) ++at;
      if (paths.namespaces) scopes.close(depth + static_cast<uint32_t>(open_.size()));
      if (element.wanted) finish(element, at);
      open_.pop_back();
      if (open_.empty()) return at;
      continue;
    }
    if (at[1] == '!' || at[1] == '?') {
      const XmlToken token = next_xml_token(at, limit);
      if (token.kind == XmlKind::more || token.kind == XmlKind::bad) break;
      if (token.kind == XmlKind::cdata && wanted > 0) pieces_.push_back({token.body, XmlTextKind::cdata});
      at = token.end;
      continue;
    }
    const char* const begin = at;
    const char* const stop = find_xml_name_end(at + 1, limit);
    const std::string_view name(at + 1, static_cast<size_t>(stop - at - 1));
    std::string_view body;
    bool closed = false;
    at = stop < limit && *stop == '>' ? stop + 1 : behind_tag(stop, limit, &body, &closed);
    if (paths.namespaces) scopes.open(depth + static_cast<uint32_t>(open_.size()) + 1, body);
    uint32_t found = node;
    if (!open_.empty()) {
      Open& parent = open_.back();
      parent.nested = true;
      found = parent.node == 0 ? 0 : find_xml_child(paths, parent.node, name, scopes, &parent.hint);
    }
    Open& element = open_.emplace_back();
    element.node = found;
    element.begin = begin;
    element.name_length = static_cast<uint32_t>(name.size());
    element.first_piece = pieces_.size();
    if (found != 0) {
      const XmlNode& wants = paths.nodes[found];
      if (!body.empty() && !wants.attributes.empty()) read_xml_attributes(body, wants, scopes, values);
      element.wanted = !wants.values.empty();
      if (element.wanted) ++wanted;
    }
    if (!closed) continue;
    if (paths.namespaces) scopes.close(depth + static_cast<uint32_t>(open_.size()));
    if (element.wanted) finish(element, at);
    open_.pop_back();
    if (open_.empty()) return at;
  }
  return limit;
}

bool xml_element_text(const XmlElement& element, const XmlEncoding& encoding, std::string& out, std::string_view* text,
                      std::string* trouble) {
  *text = {};
  if (element.pieces.empty()) return true;
  const XmlPiece& first = element.pieces.front();
  if (element.pieces.size() == 1 && (first.plain || is_plain_xml(first.text, first.kind, encoding.utf8()))) {
    *text = first.text;
    return true;
  }
  const size_t before = out.size();
  for (const XmlPiece& piece : element.pieces) {
    if (!decode_xml_text(piece.text, piece.kind, encoding, out, trouble)) return false;
  }
  *text = std::string_view(out).substr(before);
  return true;
}

bool xml_attribute_text(std::string_view raw, const XmlEncoding& encoding, std::string& out, std::string_view* text,
                        std::string* trouble) {
  *text = raw;
  if (is_plain_xml(raw, XmlTextKind::attribute, encoding.utf8())) return true;
  const size_t before = out.size();
  if (!decode_xml_text(raw, XmlTextKind::attribute, encoding, out, trouble)) return false;
  *text = std::string_view(out).substr(before);
  return true;
}

namespace {

// One more value of a column; `json`: it is JSON already.
void add(const XmlColumn& column, std::string_view value, bool json, XmlHeld& held) {
  ++held.count;
  const bool null = !json && is_xml_null(value);
  switch (column.repeated) {
    case XmlRepeated::refuse:
      if (held.count > 1) {
        held.trouble = fmt::format(
            "{} is there more than once; say how to take it with repeated = \"first\", \"join\" or \"json\"",
            quoted(column.path, 80));
        return;
      }
      break;
    case XmlRepeated::first:
      if (held.count > 1) return;
      break;
    case XmlRepeated::join:
      if (null) return;
      if (!held.null) held.text += column.separator;
      break;
    case XmlRepeated::json:
      held.text += held.count == 1 ? "[" : ",";
      break;
  }
  held.null = held.null && null && column.repeated != XmlRepeated::json;
  if (column.repeated == XmlRepeated::json && !json) {
    append_json_text(value, held.text);
  } else if (!null) {
    held.text += value;
  }
}

}  // namespace

void hold_xml(const XmlColumn& column, const XmlEncoding& encoding, const XmlElement& element, XmlHeld& held) {
  std::string made;
  std::string_view text;
  if (column.flat && element.nested) {
    held.trouble =
        "there are elements in it, unlike in the first records; name the columns, this one with type = \"json\"";
  } else if (column.type == Type::json) {
    if (append_xml_json(element.whole, encoding, made, &held.trouble))
      add(column, made, made != "null" || column.repeated == XmlRepeated::json, held);
  } else if (xml_element_text(element, encoding, made, &text, &held.trouble)) {
    add(column, text, false, held);
  }
}

void hold_xml(const XmlColumn& column, const XmlEncoding& encoding, std::string_view attribute, XmlHeld& held) {
  std::string made;
  std::string_view text;
  if (xml_attribute_text(attribute, encoding, made, &text, &held.trouble)) add(column, text, false, held);
}

}  // namespace leat
