#pragma once

// Cells of any type, from and into statements. Pure functions; the thread of the statement.

#include <optional>
#include <string_view>

#include "base/time.h"
#include "db/sqlite.h"
#include "flow/scan.h"

namespace leat {

inline StoredValue value_at(const SqliteStatement& row, int at) {
  switch (row.type(at)) {
    case SQLITE_NULL:
      return std::monostate();
    case SQLITE_INTEGER:
      return row.integer(at);
    case SQLITE_FLOAT:
      return row.real(at);
    default:
      return row.string(at);
  }
}

// Nothing: NULL, or no time.
inline std::optional<int64_t> time_at(const SqliteStatement& row, int at) {
  const std::string_view text = row.text(at);
  int64_t micros = 0;
  if (!parse_time(text.data(), text.size(), &micros)) return std::nullopt;
  return micros;
}

// `value` is borrowed until the next reset().
inline void bind_value(SqliteStatement& statement, int at, const StoredValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return statement.bind(at, *integer);
  if (const auto* real = std::get_if<double>(&value)) return statement.bind(at, *real);
  if (const auto* text = std::get_if<std::string>(&value)) return statement.bind(at, std::string_view(*text));
  statement.bind_null(at);
}

}  // namespace leat
