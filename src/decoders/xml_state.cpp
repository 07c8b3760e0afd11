// The saved state of a document: docs/formats/xml.md §6.

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/hash.h"
#include "base/text.h"
#include "decoders/xml_document.h"

namespace leat {
namespace {

constexpr std::string_view kVersion = "xml1";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                      c == '-' || c == '.' || c == ':';
    if (safe) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string unescaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t high = text[i] == '%' && i + 2 < text.size() ? kDigits.find(text[i + 1]) : std::string_view::npos;
    const size_t low = high != std::string_view::npos ? kDigits.find(text[i + 2]) : high;
    if (low == std::string_view::npos) {
      out += text[i];
    } else {
      out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return out;
}

// What of the configuration the state depends on.
std::string shape_of(const XmlPlan& plan) {
  std::string text;
  const auto add = [&](const XmlName& name) { text += fmt::format("{}\n{}\n", name.text, name.uri); };
  for (const uint32_t node : plan.paths.way) add(plan.paths.nodes[node].name);
  for (const auto& [column, around] : plan.paths.outer) {
    const XmlColumn& wanted = plan.columns[column];
    text += fmt::format("{}\n{}\n{}\n{}\n{}\n", wanted.path, around, static_cast<int>(wanted.repeated),
                        wanted.separator, wanted.type == Type::json);
  }
  return fmt::format("{:016x}", hash64(text));
}

std::string_view take(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view first = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return first;
}

}  // namespace

// xml1 PHASE DECLARED INSIDE ENCODING SHAPE ELEMENTS NAMESPACES VALUES
std::string XmlDocument::save() const {
  std::string elements;
  for (const Open& open : open_) elements += fmt::format("{}{},", escaped(open.name), open.recorded ? "+" : "");
  std::string namespaces;
  for (const XmlScopes::Declared& scope : scopes_.declared) {
    namespaces += fmt::format("{}/{}/{},", scope.depth, escaped(scope.prefix), escaped(scope.uri));
  }
  std::string values;
  for (const XmlHeld& held : outer_) {
    values += fmt::format("{}/{}/{}/{},", held.count, held.null ? 1 : 0, escaped(held.text), escaped(held.trouble));
  }
  return fmt::format("{} {} {} {} {} {} {} {} {}", kVersion, static_cast<int>(phase_), declared_ ? 1 : 0,
                     inside_ == XmlKind::comment ? "comment"
                     : inside_ == XmlKind::cdata ? "cdata"
                                                 : "-",
                     escaped(encoding_.name()), shape_of(*plan_), elements, namespaces, values);
}

Status XmlDocument::restore(std::string_view saved) {
  const XmlPlanPtr plan = plan_;
  *this = XmlDocument(plan);
  if (saved.empty()) return {};
  std::array<std::string_view, 9> words;
  for (std::string_view& word : words) word = take(saved, ' ');
  const auto phase = parse_integer(words[1]);
  if (words[0] != kVersion || !phase || *phase < 0 || *phase > static_cast<int>(Phase::end)) {
    return Status::bad_config("the saved state of the document was written by another version of leat");
  }
  if (words[5] != shape_of(*plan_)) {
    return Status::bad_config(
        "the path of the records, or of a column around them, was changed while the document is half read; change it "
        "back, or take the document anew");
  }
  phase_ = static_cast<Phase>(*phase);
  declared_ = words[2] == "1";
  inside_ = words[3] == "comment" ? XmlKind::comment : words[3] == "cdata" ? XmlKind::cdata : XmlKind::more;
  LEAT_ASSIGN(encoding_, XmlEncoding::named(unescaped(words[4])));
  while (!words[7].empty()) {
    std::string_view scope = take(words[7], ',');
    const auto depth = static_cast<uint32_t>(parse_integer(take(scope, '/')).value_or(1));
    std::string prefix = unescaped(take(scope, '/'));
    scopes_.declared.push_back({depth, std::move(prefix), unescaped(scope)});
  }
  // Which element is which node does not change while it is open.
  const std::vector<XmlScopes::Declared> all = scopes_.declared;
  while (!words[6].empty()) {
    std::string_view name = take(words[6], ',');
    Open open;
    open.recorded = name.ends_with('+');
    if (open.recorded) name.remove_suffix(1);
    open.name = unescaped(name);
    const uint32_t parent = open_.empty() ? 0 : open_.back().node;
    uint32_t hint = 0;
    if (open_.empty() || parent != 0) {
      std::erase_if(scopes_.declared, [&](const auto& scope) { return scope.depth > open_.size() + 1; });
      open.node = find_xml_child(plan_->paths, parent, open.name, scopes_, &hint);
      scopes_.declared = all;
    }
    open_.push_back(std::move(open));
  }
  for (XmlHeld& held : outer_) {
    std::string_view value = take(words[8], ',');
    held.count = static_cast<uint32_t>(parse_integer(take(value, '/')).value_or(0));
    held.null = take(value, '/') != "0";
    held.text = unescaped(take(value, '/'));
    held.trouble = unescaped(value);
  }
  if (phase_ == Phase::content && open_.empty()) return Status::bad_config("the saved state of the document is torn");
  return {};
}

}  // namespace leat
