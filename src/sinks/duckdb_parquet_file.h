#pragma once

// Parquet files, written by DuckDB. In builds that have it.

#include "sinks/data_file.h"

namespace leat {

// A file is written at seal(), in one piece, in row groups of 122,880 rows; until then its rows are in DuckDB's memory,
// which all files of a maker share, and beyond that in FileMaking::spill. Columns: boolean, INT64, DOUBLE, UTF8,
// BYTE_ARRAY where Field::bytes, TIMESTAMP(MICROS, UTC), json as UTF8. A real that is not a number is NULL. bytes()
// counts the cells before they are compressed.
extern const FileFormat kParquetFiles;

}  // namespace leat
