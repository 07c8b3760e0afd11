#pragma once

// Separated values become rows: docs/formats/csv.md. Who calls it: flow/decoder.h.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoders/columns.h"
#include "decoders/csv_reader.h"
#include "flow/decoder.h"
#include "flow/note.h"

namespace leat {

struct CsvOptions {
  CsvDialect dialect;
  bool header = true;
  std::vector<ColumnOption> columns;  // with a header: which; without: all of them
  std::string row_number;             // name of the column; empty: none
  std::optional<std::string> null;    // besides the empty field: what means NULL. Then the empty text is a text
  bool raw = false;                   // column raw_log
};

std::unique_ptr<Decoder> make_csv_decoder(CsvOptions options, Note note);

}  // namespace leat
