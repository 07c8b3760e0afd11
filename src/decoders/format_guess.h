#pragma once

// What a text is made of, told by its first bytes, for who names a file and no format. Pure functions, any thread.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat {

struct FormatGuess {
  enum class Type : uint8_t { csv, json, xml, web_log };
  Type type = Type::csv;
  std::string records;               // json: the path of the array of records, empty: lines, or the outermost array;
                                     // xml: the path of the elements that are records
  char delimiter = ',';              // csv
  std::vector<std::string> columns;  // csv without a header: "NAME:TYPE"
};

// `first`: begins the text; `all`: it is the whole of it. `header`: whether the first line of a CSV has the names;
// absent: as it looks. bad_data: why it is none of them, without the file's name.
Result<FormatGuess> guess_format(const std::string& first, bool all, std::optional<bool> header = std::nullopt);

// As much as guess_format() needs.
constexpr size_t kGuessBytes = size_t{1024} * 1024;

}  // namespace leat
