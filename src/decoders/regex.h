#pragma once

// Lines become rows by a regular expression, whose named groups are the columns: docs/formats/regex.md. Who calls the
// decoder: flow/decoder.h.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "decoders/columns.h"
#include "flow/decoder.h"

namespace leat {

struct RegexOptions {
  std::string pattern;                // RE2's syntax
  std::vector<ColumnOption> columns;  // types of named groups
  bool raw = false;                   // column raw_log
};

// bad_config: the pattern is none, has no named group, or `columns` has what it has not. Then *at and *length are what
// is wrong of the pattern, and *column the index of what is wrong of `columns`; 0, its size and none where that cannot
// be told.
struct RegexPlace {
  size_t at = 0;
  size_t length = 0;
  std::optional<size_t> column;
};
Result<std::unique_ptr<Decoder>> make_regex_decoder(const RegexOptions& options, RegexPlace* place);

}  // namespace leat
