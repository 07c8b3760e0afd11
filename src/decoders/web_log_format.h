#pragma once

// Which formats there are, and which of them a file has (docs/formats/web-log.md §1 and §8). Pure functions; any
// thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "decoders/log_format.h"
#include "decoders/web_log_line.h"

namespace leat {

// In the order of web_log_formats().
enum class WebLogFormatId : uint8_t {
  nginx_combined,
  apache_common,
  apache_combined,
  apache_vhost_combined,
  npm_proxy,
  npm_standard,
  w3c,
  nginx_json,  // only with a log_format
};

std::string_view name_of(WebLogFormatId id);
// False when there is no format of this name.
bool find_web_log_format(std::string_view name, WebLogFormatId* id);
// The first four have a parser of their own.
bool has_parser(WebLogFormatId id);
WebLogParser parser_of(WebLogFormatId id);
// npm_*: compiled from their layout. Null for the others.
LogFormatPtr compiled_format(WebLogFormatId id);

struct Recognition {
  size_t lines = 0;  // looked at, blank ones not counted
  size_t fit = 0;    // of them; 0: `format` is not known
  WebLogFormatId format = WebLogFormatId::nginx_combined;
  uint32_t least_extra = 0;  // quoted fields at the end of the lines that fit
  uint32_t most_extra = 0;
  std::string nearest;   // when none fits: the format that came furthest in the first line, and where it broke
  std::string first;     // when none fits: the first line
  bool partial = false;  // there is only a line without newline …
  bool torn = false;     // … and it fits nothing, but merely because it stops too early
};

// From the first 100 lines of `bytes`. The last one counts only if it ends with a newline or is the only one.
Recognition recognise_web_log(std::string_view bytes);
constexpr size_t kRecognitionLines = 100;
constexpr size_t kRecognitionBytes = 512 * 1024;  // half of the longest record that the file source takes by default

}  // namespace leat
