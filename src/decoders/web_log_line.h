#pragma once

// The grammar of one access-log line (docs/formats/web-log.md §4 and §5): finds where each field stands, copies and
// decodes nothing. Used by the decoder for each line and by the recognition of formats. One thread for each parser.

#include <cstdint>
#include <string>
#include <string_view>

#include "decoders/line_cutter.h"
#include "decoders/log_time.h"

namespace leat {

enum class Layout : uint8_t { common, combined, vhost_combined };

// A field as it was logged; views into the line.
struct LogField {
  std::string_view text;
  bool null = true;    // not logged, or "-"
  bool plain = false;  // needs no decoding: printable ASCII without escapes
};

// A line taken apart. `request` is null where method and uri are not.
struct WebLogLine {
  LogField host, remote_addr, remote_user, request, method, uri, protocol, referer, agent;
  int64_t server_port = 0;
  int64_t time = 0;  // microseconds since 1970 UTC
  int64_t status = 0;
  int64_t bytes = -1;         // -1: logged as "-"
  uint32_t extra_fields = 0;  // quoted fields after the last one of the layout
  bool odd_ident = false;     // other than "-"
};

// §5: fills method, uri and protocol from `request`, or leaves `request` as it is.
void split_request(WebLogLine& line);

// The first place where a line left the grammar.
struct Mismatch {
  std::string_view column;    // that was being read; empty: none
  std::string_view expected;  // "' '", "a digit"; empty: `value` is out of range
  std::string_view value;
  std::string_view problem;  // "is not a time"; with `value`
  size_t at = 0;             // bytes of the line that were fine

  // As a reject says it (§7).
  [[nodiscard]] std::string reason(std::string_view line) const;
};

class WebLogParser {
 public:
  // `any_ident`: Apache's %l, else the literal "-" of nginx.
  WebLogParser(Layout layout, bool any_ident) : layout_(layout), any_ident_(any_ident) {}

  // `line` without its end. `readable_end`: the end of the memory that may be read, at or behind the line's end; where
  // it lies behind, the byte at the line's end is '\r' or '\n'. False: the line does not fit, see mismatch().
  bool parse(std::string_view line, const char* readable_end, WebLogLine& out);
  [[nodiscard]] const Mismatch& mismatch() const { return mismatch_; }
  [[nodiscard]] Layout layout() const { return layout_; }

 private:
  bool parse_host(WebLogLine& out);
  bool parse_client(WebLogLine& out);
  bool parse_user_and_time(WebLogLine& out);
  bool explain_time(const char* user, const char* search);
  bool parse_result(WebLogLine& out);
  bool parse_extra(WebLogLine& out);
  bool take_word(std::string_view column, std::string_view what, LogField& out);
  bool take_quoted(std::string_view column, LogField& out);
  bool take(char expected, std::string_view what, std::string_view column);
  bool fail(std::string_view column, std::string_view expected, const char* at);
  bool out_of_range(std::string_view column, std::string_view value, std::string_view problem);

  Layout layout_;
  bool any_ident_;
  LogClock clock_;
  Mismatch mismatch_;
  const char* begin_ = nullptr;     // of the line
  const char* at_ = nullptr;        // what is before it is parsed
  const char* end_ = nullptr;       // of the line
  const char* readable_ = nullptr;  // end of what may be read
};

}  // namespace leat
