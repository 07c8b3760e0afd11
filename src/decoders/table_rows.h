#pragma once

// Rows of a table, as a source has read them (data/row_line.h): the number of the row, then a cell for each column.
// Which columns there are the source says by Cutter::restore() with line_of() them: when they are others than schema()
// the answer is retry. docs/formats/table-source.md.

#include <memory>
#include <string_view>

#include "data/schema.h"
#include "flow/decoder.h"

namespace leat {

// The cell of a text that was stored as such: exactly what it was; also what a configuration's real cannot be:
// infinite. False: it does not fit.
bool parse_stored(const Field& field, std::string_view text, uint64_t* cell);

std::unique_ptr<Decoder> make_table_rows_decoder();

}  // namespace leat
