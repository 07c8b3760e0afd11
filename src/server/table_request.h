#pragma once

// What a URL asks of a table: parameters, filters, fields, order, and the cursor by which a page goes on (docs/api.md).
// Nothing of a request reaches the store but names that were found among the columns, and values of their types. Pure
// functions; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "flow/scan.h"
#include "server/row_text.h"

namespace leat {

// Two names of parameters for a range of a column, declared for a table: above `after`, up to and with `before`.
struct ApiRange {
  std::string column;
  std::string after;
  std::string before;
};

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Url {
  std::string path;  // as it was sent
  Parameters parameters;
};

// bad_config: a broken escape, a parameter that is there twice.
Result<Url> parse_url(std::string_view target);
// "%41" is "A"; nothing: an escape is broken.
std::optional<std::string> decode_url(std::string_view text, bool plus_is_space);
std::string encode_url(std::string_view text);

struct TableRequest {
  ScanQuery query;
  std::vector<Field> fields;        // of query.columns
  std::optional<RowFormat> format;  // when it was named
  std::optional<uint64_t> limit;
  std::optional<ScanKey> after;
};

// `page`: with cursors. bad_config: a parameter that there is not, with those that there are; a value that does not fit
// its column.
Result<TableRequest> read_table_request(const StoredTable& table, const std::optional<ApiRange>& range,
                                        const Parameters& parameters, bool page);

// The parameter `after` of the page behind `key`; fits the same query only.
std::string cursor_of(const ScanQuery& query, const ScanKey& key);

}  // namespace leat
