#pragma once

// Where the records of a file of separated values end, and what its header says: docs/formats/csv.md §1 and §4.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "decoders/csv_columns.h"
#include "flow/cutter.h"

namespace leat {

// What the cutter saves.
struct CsvContext {
  uint64_t rows = 0;               // records before the border
  std::vector<std::string> names;  // of the header

  [[nodiscard]] std::string saved() const;
  // Nothing when `saved` is none.
  static std::optional<CsvContext> parse(std::string_view saved);
};

// Size of the byte order mark that `bytes` begin with.
size_t byte_order_mark(std::string_view bytes);

std::unique_ptr<Cutter> make_csv_cutter(std::shared_ptr<CsvColumns> columns, const std::string& origin);

}  // namespace leat
