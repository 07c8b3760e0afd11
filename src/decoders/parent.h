#pragma once

// What the records of a child get from the row that they were asked for by (Chunk::parent). Who calls what:
// flow/decoder.h.

#include <memory>

#include "data/schema.h"
#include "flow/decoder.h"

namespace leat {

// `inner` with these columns behind its own, before raw_log; one that the records have themselves stays theirs.
std::unique_ptr<Decoder> with_parent(std::unique_ptr<Decoder> inner, SchemaPtr columns);

}  // namespace leat
