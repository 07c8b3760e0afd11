#pragma once

// The decoders that have a file of their own in the catalog.

#include "catalog/catalog.h"

namespace leat {

DecoderKind csv_kind();

}  // namespace leat
