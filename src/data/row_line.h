#pragma once

// A row as a line of text, as PostgreSQL's COPY writes them: cells with tabs between them. NULL is \N; in texts a
// backslash, tab, newline and carriage return are \\ \t \n \r, all other bytes are themselves. How rows of a table
// travel from a source to its decoder (docs/formats/table-source.md). Pure functions; any thread.

#include <string>
#include <string_view>

#include "base/status.h"
#include "data/schema.h"

namespace leat {

constexpr std::string_view kNullCell = "\\N";

// Adds `bytes` to a line, escaped.
void append_cell(std::string& line, std::string_view bytes);

// Takes the next cell, still escaped, off the front of `line`, with the tab behind it.
std::string_view take_cell(std::string_view& line);

// Adds what a cell that is not NULL means to `text`.
void append_meaning(std::string& text, std::string_view cell);

// The columns of a table as such a line: of each its type ("bytes" for Field::bytes) and its name.
std::string line_of(const Schema& schema);
// bad_config: not such a line.
Result<Schema> schema_of(std::string_view line);

}  // namespace leat
