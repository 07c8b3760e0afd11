#pragma once

// Rows as JSON, NDJSON, XML or CSV (docs/api.md). Every text is escaped; bytes that are not UTF-8 stay visible as \xHH.
// Nothing is remembered between calls; any thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/schema.h"
#include "flow/results.h"

namespace leat {

enum class RowFormat : uint8_t { json, ndjson, xml, csv };

struct RowFormatName {
  std::string_view name;  // "ndjson"
  std::string_view media_type;
  RowFormat format;
};
std::span<const RowFormatName> row_formats();

class RowText {
 public:
  RowText() = default;
  RowText(const RowText&) = delete;
  RowText& operator=(const RowText&) = delete;
  virtual ~RowText() = default;
  // Each adds to `out`. begin() once, then rows with a cell for each field, then end() once.
  virtual void begin(std::string& out) const = 0;
  virtual void row(std::string& out, std::span<const ResultCell> cells, bool first) const = 0;
  // `next`: the link to the next page, empty: there is none; nothing: not a page. Only JSON has it in the text.
  virtual void end(std::string& out, uint64_t rows, const std::optional<std::string>& next) const = 0;
};

std::unique_ptr<RowText> make_row_text(RowFormat format, const std::vector<Field>& fields);

}  // namespace leat
