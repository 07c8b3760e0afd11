#include "decoders/xml_paths.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "decoders/xml_scanner.h"

namespace leat {
namespace {

bool is_name(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9') || text[0] == '-' || text[0] == '.') return false;
  return find_xml_name_end(text.data(), text.data() + text.size()) == text.data() + text.size();
}

struct Steps {
  std::vector<XmlName> elements;  // from the document element
  XmlName attribute;              // empty: the element
};

class Compiler {
 public:
  explicit Compiler(const XmlNamespaces& namespaces) : namespaces_(namespaces) { paths_.nodes.emplace_back(); }

  Status record(std::string_view path) {
    if (!path.starts_with('/') || path == "/") {
      return Status::bad_config(
          fmt::format("{} is not the path of an element: it begins with '/', such as \"/A/B/RECORD\"", quoted(path)));
    }
    Steps steps;
    LEAT_TRY(read_steps(path, path.substr(1), steps));
    if (!steps.attribute.text.empty()) {
      return Status::bad_config(fmt::format("{} is the path of an attribute; a record is an element", quoted(path)));
    }
    record_ = std::move(steps.elements);
    uint32_t node = 0;
    for (const XmlName& name : record_) {
      node = child(node, name);
      paths_.nodes[node].way = true;
      paths_.way.push_back(node);
    }
    return {};
  }

  Status column(uint32_t number, std::string_view path) {
    LEAT_ASSIGN(const uint32_t base, take(number, path));
    if (base < record_.size()) paths_.outer.emplace_back(number, base);
    return {};
  }

  Status watched(uint32_t number, std::string_view path) {
    if (!path.starts_with('/')) {
      return Status::bad_config(
          fmt::format("{} does not begin with '/', such as \"/A/B/URL\" or \"/A/B/@next\"", quoted(path)));
    }
    LEAT_ASSIGN(const uint32_t base, take(number, path));
    if (base == record_.size()) paths_.watched_inside = true;
    return {};
  }

  XmlPaths done() { return std::move(paths_); }

 private:
  static bool same(const XmlName& a, const XmlName& b) { return a.text == b.text && a.uri == b.uri; }

  // How many elements are open around both what stands at `path` and the record.
  Result<uint32_t> take(uint32_t number, std::string_view path) {
    Steps steps;
    if (path.starts_with('/')) {
      LEAT_TRY(read_steps(path, path.substr(1), steps));
    } else {
      std::string_view rest = path == "." ? std::string_view() : path;
      size_t around = record_.size();
      while (rest == ".." || rest.starts_with("../")) {
        if (around == 0) {
          return Status::bad_config(
              fmt::format("{} leads out of the document: the record is {} deep", quoted(path), record_.size()));
        }
        --around;
        rest.remove_prefix(std::min<size_t>(rest.size(), 3));
      }
      steps.elements.assign(record_.begin(), record_.begin() + static_cast<std::ptrdiff_t>(around));
      if (!rest.empty() || path.empty()) LEAT_TRY(read_steps(path, rest, steps));
    }
    uint32_t node = 0;
    uint32_t base = 0;
    for (const XmlName& name : steps.elements) {
      node = child(node, name);
      if (paths_.nodes[node].way) ++base;
    }
    if (base == 0) {
      return Status::bad_config(fmt::format("{} leads out of the document element <{}>, in which everything is",
                                            quoted(path), record_.front().text));
    }
    XmlNode& target = paths_.nodes[node];
    if (steps.attribute.text.empty()) {
      if (target.way && node != paths_.record()) {
        return Status::bad_config(
            fmt::format("{} is an element that the record stands in, with all its other records; take an attribute of "
                        "it (\"../@id\") or an element beside the record (\"../ID\")",
                        quoted(path)));
      }
      target.values.push_back(number);
    } else {
      target.attributes.emplace_back(steps.attribute, number);
    }
    return base;
  }

  Status read_steps(std::string_view path, std::string_view rest, Steps& steps) {
    const std::vector<std::string_view> words = split(rest, '/');
    for (size_t i = 0; i < words.size(); ++i) {
      std::string_view word = words[i];
      const bool attribute = i + 1 == words.size() && word.starts_with('@');
      if (attribute) word.remove_prefix(1);
      if (!is_name(word)) {
        return Status::bad_config(
            fmt::format("{}: {} is not a name; a path is made of names, of '..' at its beginning, and of '@name' at "
                        "its end",
                        quoted(path), quoted(words[i])));
      }
      XmlName name{std::string(word), {}};
      const size_t colon = word.find(':');
      for (const auto& [prefix, uri] : namespaces_) {
        if (colon == std::string_view::npos || word.substr(0, colon) != prefix) continue;
        name = {std::string(word.substr(colon + 1)), uri};
        paths_.namespaces = true;
      }
      if (attribute) {
        steps.attribute = std::move(name);
      } else {
        steps.elements.push_back(std::move(name));
      }
    }
    return {};
  }

  uint32_t child(uint32_t parent, const XmlName& name) {
    for (const uint32_t known : paths_.nodes[parent].children) {
      if (same(paths_.nodes[known].name, name)) return known;
    }
    const auto made = static_cast<uint32_t>(paths_.nodes.size());
    paths_.nodes.emplace_back().name = name;
    paths_.nodes[parent].children.push_back(made);
    return made;
  }

  const XmlNamespaces& namespaces_;
  std::vector<XmlName> record_;
  XmlPaths paths_;
};

}  // namespace

Result<XmlPaths> XmlPaths::compile(std::string_view record, const std::vector<XmlColumn>& columns,
                                   const XmlNamespaces& namespaces, size_t* wrong,
                                   const std::vector<std::string>& watched) {
  Compiler compiler(namespaces);
  *wrong = columns.size();
  LEAT_TRY(compiler.record(record));
  for (*wrong = 0; *wrong < columns.size(); ++*wrong) {
    LEAT_TRY(compiler.column(static_cast<uint32_t>(*wrong), columns[*wrong].path));
  }
  for (const std::string& path : watched) LEAT_TRY(compiler.watched(static_cast<uint32_t>((*wrong)++), path));
  return compiler.done();
}

}  // namespace leat
