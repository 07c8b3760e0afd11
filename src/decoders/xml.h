#pragma once

// XML documents of any size: the elements at one path become rows or rejects (docs/formats/xml.md). Who calls what:
// flow/decoder.h.

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoders/xml_paths.h"
#include "flow/decoder.h"

namespace leat {

struct XmlOptions {
  std::string record;              // "/A/B/RECORD"
  std::vector<XmlColumn> columns;  // empty: inferred from the first records
  XmlNamespaces namespaces;        // what the prefixes in paths stand for
  bool raw = true;                 // a column raw_log with the exact bytes of the record
};

// What is wrong with a path; `wrong`: of which column, or options.columns.size(): of the record. Empty when nothing is.
std::string trouble_with_xml_paths(const XmlOptions& options, size_t* wrong);

// bad_config: a path that is none.
Result<std::unique_ptr<Decoder>> make_xml_decoder(XmlOptions options);

}  // namespace leat
