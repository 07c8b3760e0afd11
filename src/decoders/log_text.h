#pragma once

// The escapes that nginx and Apache write into log fields (docs/formats/web-log.md §6). Pure functions; any thread.
// What they append is valid UTF-8 without control characters; what cannot be shown stays visible as \xHH.

#include <cstdint>
#include <string>
#include <string_view>

namespace leat {

// How the values of a log were written.
enum class Escape : uint8_t {
  server,  // nginx's default and Apache's: "\xHH"
  json,    // nginx's escape=json: "\u00HH"
  none,    // nginx's escape=none: as they were
};

// Appends to `out` what `logged` means.
void decode_log_text(std::string_view logged, std::string& out);
void decode_log_text(std::string_view logged, Escape escape, std::string& out);

}  // namespace leat
