#pragma once

// A value whose ends are known becomes cells: what the readers of JSON and of W3C lines share. Made for one chunk; one
// thread.

#include <string_view>
#include <vector>

#include "decoders/cell_writer.h"
#include "decoders/log_columns.h"
#include "decoders/log_time.h"

namespace leat {

constexpr size_t kNoColumn = SIZE_MAX;

// Where the pieces of a request go; kNoColumn: another variable of the format fills the column.
struct RequestColumns {
  size_t method = kNoColumn;
  size_t uri = kNoColumn;
  size_t protocol = kNoColumn;
  size_t whole = kNoColumn;
  static RequestColumns of(const Schema& schema, const std::vector<LogColumn>& columns);
};
void put_request(const RequestColumns& to, std::string_view logged, bool plain, Escape escape, size_t row,
                 CellWriter& rows);

class LogValues {
 public:
  LogValues(const Schema& schema, const std::vector<LogColumn>& columns, Escape escape);

  // Sets what value `index` of the columns says in row `row`. `plain`: it is printable ASCII without escapes. Returns
  // what is wrong with it ("is not an integer"), empty when nothing is. "-" is NULL, and so is the empty text, but for
  // a text written with Escape::server.
  std::string_view put(size_t index, std::string_view logged, bool plain, size_t row, CellWriter& rows);

 private:
  const std::vector<LogColumn>& columns_;
  std::vector<size_t> places_;  // in the schema
  RequestColumns request_;
  Escape escape_;
  LogClock clock_;
};

}  // namespace leat
