#pragma once

// Access logs of nginx, Apache and others: each line a row or a reject (docs/formats/web-log.md, log-format.md).
// Who calls what: flow/decoder.h.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "flow/decoder.h"
#include "flow/note.h"

namespace leat {

struct WebLogFormat {
  std::string_view name;    // "nginx_combined"
  std::string_view layout;  // as the server's documentation writes it
  std::string_view help;
  std::string_view sample;  // a line of it
};

// Those that can be named in configuration, in the order in which they are tried.
std::span<const WebLogFormat> web_log_formats();

struct WebLogOptions {
  std::string format;           // one of web_log_formats(); empty: recognised for each file from its first 100 lines
  bool raw = true;              // a column raw_log with the exact bytes of the line
  std::string log_format = {};  // a server's own format string, or its whole line; then no `format` is named
};

// What is wrong with a log_format, and where (bytes); empty when nothing is.
std::string trouble_with_log_format(std::string_view log_format, size_t* at, size_t* length);

// The columns that a named format fills; empty when only the file, or a log_format, can say.
std::vector<std::string> web_log_columns(std::string_view format);

// bad_config: no such format, or a log_format that is none.
Result<std::unique_ptr<Decoder>> make_web_log_decoder(const WebLogOptions& options, Note note);

}  // namespace leat
