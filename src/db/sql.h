#pragma once

// Names and texts within an SQL statement, for every database. Pure functions; any thread.

#include <string>
#include <string_view>

namespace leat {

// "name" with its quotes doubled: an identifier that cannot end the statement.
std::string sql_name(std::string_view name);
// 'text' with its quotes doubled.
std::string sql_text(std::string_view text);

// UTF-8 without NUL: what SQLite can keep as TEXT without a loss.
bool is_plain_text(std::string_view bytes);

}  // namespace leat
