#pragma once

// JSON: lines of it (NDJSON), or the elements of an array in one document of any size (docs/formats/json.md). Who calls
// what: flow/decoder.h.

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoders/json_layout.h"
#include "flow/decoder.h"

namespace leat {

struct JsonOptions {
  std::string records;              // the path of an array, "/data/items", "/hosts/*/detections"; "": the outermost
                                    // one, or a record on each line
  std::vector<JsonColumn> columns;  // none: the members of the first records
  bool raw = true;                  // a column raw_log with the exact bytes of the record
};

// bad_config: a path that is none; `*wrong`, if given, becomes the index of its column, or the number of columns when
// it is that of the records.
Result<std::unique_ptr<Decoder>> make_json_decoder(const JsonOptions& options, size_t* wrong = nullptr);

}  // namespace leat
