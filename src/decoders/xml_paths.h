#pragma once

// Which elements of a document are records and which elements and attributes become columns or are watched:
// docs/formats/xml.md §2, as a tree of the names on the way. Watched paths have the numbers behind the columns'.
// Immutable once compiled; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "data/schema.h"

namespace leat {

// What is done with an element or attribute that is there more than once.
enum class XmlRepeated : uint8_t {
  refuse,  // the record is a reject
  first,   // the others are passed over
  join,    // one text, with a separator between
  json,    // a JSON array, also of one
};

struct XmlColumn {
  std::string name;
  std::string path;  // from the record, as it is written in configuration
  Type type = Type::text;
  XmlRepeated repeated = XmlRepeated::refuse;
  std::string separator = ",";
  bool flat = false;  // an element in it makes the record a reject (of an inferred type)
  friend bool operator==(const XmlColumn&, const XmlColumn&) = default;
};

// A prefix as paths use it, and its namespace.
using XmlNamespaces = std::vector<std::pair<std::string, std::string>>;

struct XmlName {
  std::string text;  // as it is written in the document, with its prefix
  std::string uri;   // not empty: the namespace; `text` is then the local name
};

struct XmlNode {
  XmlName name;
  std::vector<uint32_t> children;
  std::vector<std::pair<XmlName, uint32_t>> attributes;  // and the column that takes it
  std::vector<uint32_t> values;                          // columns that take the element
  bool way = false;                                      // to the record; the record has it too
};

struct XmlPaths {
  // The first is the document, above its document element; children stand behind their parents.
  std::vector<XmlNode> nodes;
  std::vector<uint32_t> way;  // nodes from the document element to the record
  // Columns that are read before the record, with the number of elements that are open around what they belong to.
  std::vector<std::pair<uint32_t, uint32_t>> outer;
  bool namespaces = false;      // some name has one
  bool watched_inside = false;  // something that is watched stands in the records

  [[nodiscard]] uint32_t record() const { return way.back(); }
  // Of `columns` in their order. bad_config: with the path. `wrong`: the column, or none: it is the record's path.
  static Result<XmlPaths> compile(std::string_view record, const std::vector<XmlColumn>& columns,
                                  const XmlNamespaces& namespaces, size_t* wrong,
                                  const std::vector<std::string>& watched = {});
};

}  // namespace leat
