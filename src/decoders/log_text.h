#pragma once

// The escapes that nginx and Apache write into log fields (docs/formats/web-log.md §6). Pure functions; any thread.

#include <string>
#include <string_view>

namespace leat {

// Appends to `out` what `logged` means: valid UTF-8 without control characters; what cannot be shown stays visible
// as \xHH.
void decode_log_text(std::string_view logged, std::string& out);

}  // namespace leat
