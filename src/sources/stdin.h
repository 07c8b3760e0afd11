#pragma once

// Standard input: read once, to its end. It cannot go on where an earlier run has stopped: each run is a part of its
// own, `stdin#1`, `stdin#2`. Who calls what: flow/source.h.

#include <memory>

#include "flow/source.h"
#include "os/byte_stream.h"
#include "sources/stream_part.h"

namespace leat {

std::unique_ptr<Source> make_stdin_source(const StreamRules& rules, std::unique_ptr<os::ByteStream> input);

}  // namespace leat
