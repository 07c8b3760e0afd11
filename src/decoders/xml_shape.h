#pragma once

// Which columns records have when configuration does not say: their attributes, the elements in them, and the
// attributes of those; the types that fit all that was seen (docs/formats/xml.md §5). One thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "decoders/typed_cell.h"
#include "decoders/xml_element.h"
#include "decoders/xml_paths.h"
#include "decoders/xml_text.h"

namespace leat {

class XmlShape {
 public:
  static constexpr size_t kMostColumns = 400;  // a table of SQLite has room for 2,000
  // `known`: columns that stay as they are.
  explicit XmlShape(const std::vector<XmlColumn>& known);

  // `record`: from '<' to '>', well formed.
  [[nodiscard]] bool knows(std::string_view record) { return walk(record, nullptr); }
  void see(std::string_view record, const XmlEncoding& encoding) { walk(record, &encoding); }
  // The known ones, and those that were seen besides.
  [[nodiscard]] std::vector<XmlColumn> columns() const;
  // More than kMostColumns were seen.
  [[nodiscard]] bool too_many() const { return too_many_; }

 private:
  struct Found {
    std::string path;
    std::string name;
    XmlColumn known;  // its path is empty: it is not known yet
    TypeGuess guess;
    bool nested = false;
    bool repeated = false;
    uint64_t record = 0;  // the last one it was in
  };
  bool walk(std::string_view record, const XmlEncoding* encoding);
  bool attributes(std::string_view body, std::string_view element, const XmlEncoding* encoding);
  Found* find(std::string_view path, std::string_view attribute, const XmlEncoding* encoding);
  void note(Found& found, std::string_view value) const;
  [[nodiscard]] bool is_json(std::string_view path) const;

  std::vector<Found> found_;
  size_t hint_ = 0;
  uint64_t record_ = 0;
  std::string made_;
  bool too_many_ = false;
};

// What was inferred, for a sink to keep; and back. False: it is none.
std::string save_xml_columns(const std::vector<XmlColumn>& columns);
bool restore_xml_columns(std::string_view saved, std::vector<XmlColumn>* columns);

}  // namespace leat
