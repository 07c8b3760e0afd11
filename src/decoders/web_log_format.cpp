#include "decoders/web_log_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "decoders/web_log.h"

namespace leat {
namespace {

constexpr std::array<WebLogFormat, 4> kFormats{{
    {"nginx_combined",
     R"($remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent")",
     "nginx's own format, which it uses when none is named",
     R"(203.0.113.7 - - [22/Nov/2026:13:39:28 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/7.88.1")"},
    {"apache_common", R"(%h %l %u %t "%r" %>s %b)", "Common Log Format: without referer and user agent",
     R"(203.0.113.7 - frank [10/Oct/2026:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326)"},
    {"apache_combined", R"(%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i")",
     "the usual format of Apache httpd, also with %O in place of %b",
     R"(203.0.113.7 - - [22/Nov/2026:13:39:28 +0000] "GET / HTTP/1.1" 304 - "-" "say \"hi\"")"},
    {"apache_vhost_combined", R"(%v:%p %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i")",
     "the combined format after the virtual host and its port",
     R"(www.example.com:443 203.0.113.7 - - [22/Nov/2026:13:39:28 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/7.88.1")"},
}};

// An escape that Apache writes and nginx does not.
bool has_apache_escape(std::string_view line) {
  for (size_t at = line.find('\\'); at != std::string_view::npos && at + 1 < line.size();
       at = line.find('\\', at + 2)) {
    const char kind = line[at + 1];
    if (std::string_view(R"("\ntrbv)").find(kind) != std::string_view::npos) return true;
    const auto is_low = [&](size_t i) { return i < line.size() && line[i] >= 'a' && line[i] <= 'f'; };
    if (kind == 'x' && (is_low(at + 2) || is_low(at + 3))) return true;
  }
  return false;
}

bool shows_apache(std::string_view line, const WebLogLine& parsed) {
  const bool empty_user = !parsed.remote_user.null && parsed.remote_user.text.empty();
  return parsed.bytes < 0 || parsed.odd_ident || empty_user || has_apache_escape(line);
}

// What the lines say about one layout.
struct Trial {
  WebLogFormatId format;
  WebLogParser parser;
  size_t fit = 0;
  uint32_t least_extra = UINT32_MAX;
  uint32_t most_extra = 0;
  bool apache = false;

  void take(std::string_view line) {
    WebLogLine parsed;
    if (!parser.parse(line, line.data() + line.size(), parsed)) return;
    // A common line with a referer and an agent is a combined one.
    if (format == WebLogFormatId::apache_common && parsed.extra_fields >= 2) return;
    ++fit;
    least_extra = std::min(least_extra, parsed.extra_fields);
    most_extra = std::max(most_extra, parsed.extra_fields);
    apache = apache || shows_apache(line, parsed);
  }
};

// What a person is told of a first line that fits nothing. An ident other than "-" is left out of account: it would
// let any word pass.
void explain(std::string_view line, Recognition& result) {
  result.first = line;
  size_t furthest = 0;
  for (const WebLogFormatId format :
       {WebLogFormatId::nginx_combined, WebLogFormatId::apache_common, WebLogFormatId::apache_vhost_combined}) {
    WebLogParser parser(parser_of(format).layout(), false);
    WebLogLine parsed;
    if (parser.parse(line, line.data() + line.size(), parsed)) continue;
    const size_t at = parser.mismatch().at;
    result.torn = result.torn || (result.partial && at >= line.size());
    if (!result.nearest.empty() && at <= furthest) continue;
    furthest = at;
    result.nearest = fmt::format("{}: {}", name_of(format), parser.mismatch().reason(line));
  }
}

// The lines to look at.
std::vector<std::string_view> sample_of(std::string_view bytes, bool* whole) {
  std::vector<std::string_view> lines;
  *whole = true;
  while (!bytes.empty() && lines.size() < kRecognitionLines) {
    std::string_view line;
    const size_t taken = next_line(bytes, line);
    const bool ended = bytes[taken - 1] == '\n';
    bytes.remove_prefix(taken);
    if (line.empty() || (!ended && !lines.empty())) continue;
    *whole = ended;
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

std::span<const WebLogFormat> web_log_formats() {
  return kFormats;
}

std::string_view name_of(WebLogFormatId id) {
  return kFormats[static_cast<size_t>(id)].name;
}

bool find_web_log_format(std::string_view name, WebLogFormatId* id) {
  for (const WebLogFormatId candidate : kWebLogFormatIds) {
    if (name_of(candidate) != name) continue;
    *id = candidate;
    return true;
  }
  return false;
}

WebLogParser parser_of(WebLogFormatId id) {
  switch (id) {
    case WebLogFormatId::apache_common:
      return {Layout::common, true};
    case WebLogFormatId::apache_combined:
      return {Layout::combined, true};
    case WebLogFormatId::apache_vhost_combined:
      return {Layout::vhost_combined, true};
    case WebLogFormatId::nginx_combined:
      break;
  }
  return {Layout::combined, false};
}

Recognition recognise_web_log(std::string_view bytes) {
  Recognition result;
  bool whole = true;
  const std::vector<std::string_view> lines = sample_of(bytes, &whole);
  result.lines = lines.size();
  if (lines.empty()) return result;
  result.partial = !whole;

  // Combined is tried with Apache's grammar, which holds nginx's; which of the two it is, the evidence says.
  constexpr std::array<WebLogFormatId, 3> kTried{WebLogFormatId::apache_combined, WebLogFormatId::apache_common,
                                                 WebLogFormatId::apache_vhost_combined};
  const Trial* best = nullptr;
  std::vector<Trial> trials;
  trials.reserve(kTried.size());
  for (const WebLogFormatId format : kTried) {
    Trial& trial = trials.emplace_back(Trial{format, parser_of(format)});
    for (const std::string_view line : lines) trial.take(line);
    if (trial.fit > (best == nullptr ? 0 : best->fit)) best = &trial;
  }
  if (best == nullptr) {
    explain(lines.front(), result);
    return result;
  }
  result.fit = best->fit;
  result.format =
      best->format == WebLogFormatId::apache_combined && !best->apache ? WebLogFormatId::nginx_combined : best->format;
  result.least_extra = best->least_extra;
  result.most_extra = best->most_extra;
  return result;
}

}  // namespace leat
