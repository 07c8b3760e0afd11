#pragma once

// A log format as a server's configuration writes it, nginx's log_format or Apache's LogFormat, taken apart into
// literals and variables (docs/formats/log-format.md §1). Pure functions; any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "decoders/log_text.h"

namespace leat {

enum class LogServer : uint8_t { nginx, apache };

// Where in the pasted text.
struct LayoutPlace {
  size_t at = 0;
  size_t length = 1;
};

struct LayoutPiece {
  bool variable = false;
  std::string text;      // a literal's bytes; nginx: the variable's name; Apache: the directive's letter, "^ti"
  std::string argument;  // Apache's %{argument}i
  LayoutPlace place;
  std::vector<size_t> places;  // of a literal's bytes
};

struct LogLayout {
  LogServer server = LogServer::nginx;
  Escape escape = Escape::server;
  std::vector<LayoutPiece> pieces;  // literals are not empty and never stand side by side
};

// `text`: the string itself, or the whole line of the configuration: log_format NAME 'a' 'b'; LogFormat "a" NAME.
// bad_config: it is none; `*place`: what is wrong.
Result<LogLayout> parse_log_layout(std::string_view text, LayoutPlace* place);

}  // namespace leat
