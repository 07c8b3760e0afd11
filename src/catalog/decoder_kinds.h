#pragma once

// The decoders that have a file of their own here; decoders.cpp puts them into the table. Pure; any thread.

#include "catalog/catalog.h"

namespace leat {

DecoderKind csv_kind();
DecoderKind json_kind();
DecoderKind xml_kind();
DecoderKind regex_kind();

// That no column of the option 'columns' has a name that tables keep for themselves.
void check_column_names(const Settings& settings, std::string_view format, Complaints& complaints);

}  // namespace leat
