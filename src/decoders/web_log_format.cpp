#include "decoders/web_log_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "decoders/log_columns.h"
#include "decoders/log_w3c.h"
#include "decoders/web_log.h"

namespace leat {
namespace {

constexpr std::array<WebLogFormat, 8> kFormats{{
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
    {"npm_proxy",
     R"([$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] [Sent-to $server] "$http_user_agent" "$http_referer")",
     "Nginx Proxy Manager, its proxy hosts",
     R"([24/Jan/2026:16:51:02 +0000] - 404 404 - GET http a.example "/x" [Client 203.0.113.7] [Length 192] [Gzip 3.10] [Sent-to 10.0.0.5] "curl/7.88.1" "-")"},
    {"npm_standard",
     R"([$time_local] $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] "$http_user_agent" "$http_referer")",
     "Nginx Proxy Manager, its other hosts",
     R"([24/Jan/2026:13:40:19 +0000] 444 - GET https a.example "/.env" [Client 203.0.113.7] [Length 0] [Gzip -] "curl/7.88.1" "-")"},
    {"w3c", "", "W3C extended logs of IIS, CloudFront and others: lines #Fields in the file name the columns",
     "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent)\n"
     "2026-11-22 13:39:28 10.0.0.1 GET /index.html a=1 443 - 203.0.113.7 Mozilla/5.0+(X11)"},
    {"nginx_json", R"({"time":"$time_iso8601","addr":"$remote_addr","request":"$request","status":$status})",
     "lines of JSON; which key holds which variable is known from its log_format, so give that as the format",
     R"({"time":"2026-11-22T13:39:28+00:00","addr":"203.0.113.7","request":"GET / HTTP/1.1","status":200})"},
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

// How many of the lines a compiled format takes.
size_t fit_of(const LogFormat& format, const std::vector<std::string_view>& lines) {
  Schema schema{standard_log_fields()};
  schema.fields.insert(schema.fields.end(), format.extra_fields().begin(), format.extra_fields().end());
  size_t fit = 0;
  for (const std::string_view line : lines) {
    RecordBatch batch(std::make_shared<const Schema>(schema));
    batch.arena = line;
    CellWriter rows(batch);
    const std::string_view record = batch.arena;
    const size_t row = rows.begin(record, 0, 1);
    fit += format.reader(schema)->read(record, record.data() + record.size(), row, rows) ? 1 : 0;
  }
  return fit;
}

// The formats that are tried when none of the four fits half of the lines: true when one fits more than result.fit.
bool fits_compiled(const std::vector<std::string_view>& lines, Recognition& result) {
  const size_t before = result.fit;
  for (const WebLogFormatId id : {WebLogFormatId::npm_proxy, WebLogFormatId::npm_standard}) {
    const size_t fit = fit_of(*compiled_format(id), lines);
    if (fit <= result.fit) continue;
    result.fit = fit;
    result.format = id;
  }
  return result.fit > before;
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
  for (size_t i = 0; i < kFormats.size(); ++i) {
    if (kFormats[i].name != name) continue;
    *id = static_cast<WebLogFormatId>(i);
    return true;
  }
  return false;
}

bool has_parser(WebLogFormatId id) {
  return id <= WebLogFormatId::apache_vhost_combined;
}

LogFormatPtr compiled_format(WebLogFormatId id) {
  if (id != WebLogFormatId::npm_proxy && id != WebLogFormatId::npm_standard) return nullptr;
  LayoutPlace place;
  auto format = compile_log_format(kFormats[static_cast<size_t>(id)].layout, &place);
  return format.ok() ? *std::move(format) : nullptr;
}

WebLogParser parser_of(WebLogFormatId id) {
  switch (id) {
    case WebLogFormatId::apache_common:
      return {Layout::common, true};
    case WebLogFormatId::apache_combined:
      return {Layout::combined, true};
    case WebLogFormatId::apache_vhost_combined:
      return {Layout::vhost_combined, true};
    default:
      break;
  }
  return {Layout::combined, false};
}

Recognition recognise_web_log(std::string_view bytes) {
  Recognition result;
  bool whole = true;
  bool decided = true;
  if (looks_like_w3c(bytes, &decided)) {
    result.lines = result.fit = 1;
    result.format = WebLogFormatId::w3c;
    return result;
  }
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
  result.fit = best == nullptr ? 0 : best->fit;
  if (result.fit * 2 < lines.size() && fits_compiled(lines, result)) return result;
  if (best == nullptr) {
    explain(lines.front(), result);
    return result;
  }
  result.format =
      best->format == WebLogFormatId::apache_combined && !best->apache ? WebLogFormatId::nginx_combined : best->format;
  result.least_extra = best->least_extra;
  result.most_extra = best->most_extra;
  return result;
}

}  // namespace leat
