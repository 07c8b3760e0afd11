#pragma once

// Rows of a table, as a source has read them (data/row_line.h): the number of the row, then a cell for each column.
// Which columns there are the source says by Cutter::restore() with line_of() them: when they are others than schema()
// the answer is retry. docs/formats/table-source.md.

#include <memory>

#include "flow/decoder.h"

namespace leat {

std::unique_ptr<Decoder> make_table_rows_decoder();

}  // namespace leat
