#pragma once

// What the variables of a log format become: which column, of which type, read how (docs/formats/log-format.md §2).
// Pure functions; any thread.

#include <cstdint>
#include <string>
#include <vector>

#include "data/schema.h"
#include "decoders/log_layout.h"

namespace leat {

// How a value looks, and so where it ends and what it becomes.
enum class Shape : uint8_t {
  word,         // no space
  text,         // anything
  user,         // a user's name: may hold spaces, no quotes
  ident,        // Apache's %l
  list,         // nginx's upstream values: "a, b : c"
  integer,      // digits
  real,         // digits with a point
  millis,       // an integer of milliseconds that becomes seconds
  micros,       // an integer of microseconds that becomes seconds
  request,      // the request line: becomes method, uri and protocol
  path,         // begins with '/'
  log_time,     // 22/Nov/2026:13:39:28 +0000
  apache_time,  // the same between brackets
  iso_time,     // 2026-11-22T13:39:28+00:00
  epoch,        // seconds since 1970, with a point or without
  time_piece,   // one of Apache's %{…}t, all of which make one time
};

struct LogColumn {
  std::string name;  // empty: the value is passed over
  Type type = Type::text;
  Shape shape = Shape::text;
  std::string time_format;  // of a time_piece: strftime's, or Apache's word
};

// The names and order of the columns that every access log has (docs/formats/web-log.md §2).
const std::vector<Field>& standard_log_fields();

// One for each variable of the layout, in its order. bad_config: a directive that is not known; `*place`: which.
Result<std::vector<LogColumn>> columns_of(const LogLayout& layout, LayoutPlace* place);

// A header's or variable's name as a column: lower case, '_' for what is no letter or digit, none of the names that
// leat keeps for itself.
std::string column_name(std::string_view prefix, std::string_view name);

}  // namespace leat
