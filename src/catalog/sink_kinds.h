#pragma once

// Sinks with a file of their own here. Pure; any thread.

#include "catalog/catalog.h"

namespace leat {

SinkKind bigquery_kind();
SinkKind files_kind();

}  // namespace leat
