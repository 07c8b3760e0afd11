#pragma once

// What sources.cpp and the sources with a file of their own here share. Pure; any thread.

#include "catalog/catalog.h"
#include "sources/stream_part.h"

namespace leat {

SourceKind http_kind();

std::vector<std::string_view> compressions();  // auto and all that there are
// From the options max_record, max_body and compression.
StreamRules stream_rules(const Settings& settings, const Making& making);

}  // namespace leat
