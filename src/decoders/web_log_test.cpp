#include "decoders/web_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/web_log_rows.h"

namespace leat {
namespace {

using testing::decode;
using testing::Decoded;

constexpr std::string_view kHead = "127.0.0.1 - - [22/Nov/2026:13:39:28 +0000] ";
constexpr std::string_view kHeadRow = "time=2026-11-22 13:39:28|remote_addr=127.0.0.1|";
constexpr std::string_view kTail = R"( 200 3 "-" "-")";
constexpr std::string_view kTailRow = "status=200|body_bytes_sent=3";

std::string row(std::string_view format, std::string_view line) {
  const Decoded result = decode(format, std::string(line) + "\n");
  if (result.rows.size() + result.rejects.size() != 1) return "neither one row nor one reject";
  if (!result.rows.empty()) return result.rows[0];
  return "reject " + result.rejects[0].column + ": " + result.rejects[0].reason;
}

// The part of the row that a request makes.
std::string request(std::string_view logged) {
  const std::string text = row("nginx_combined", fmt::format("{}\"{}\"{}", kHead, logged, kTail));
  const size_t begin = text.find("|request", 0) + 1;
  const bool whole = text.find("|request=") != std::string::npos;
  if (whole) return text.substr(text.find("|request=") + 1);
  const size_t end = text.find("|status=");
  return begin == 0 || begin > end ? "" : text.substr(begin, end - begin);
}

TEST(WebLog, SamplesOfTheFormats) {
  ASSERT_EQ(web_log_formats().size(), 8U);
  const std::vector<std::string> expected{
      "time=2026-11-22 13:39:28|remote_addr=203.0.113.7|request_method=GET|request_uri=/|server_protocol=HTTP/1.1|"
      "status=200|body_bytes_sent=612|http_user_agent=curl/7.88.1",
      "time=2026-10-10 20:55:36|remote_addr=203.0.113.7|remote_user=frank|request_method=GET|request_uri=/a.gif|"
      "server_protocol=HTTP/1.0|status=200|body_bytes_sent=2326",
      "time=2026-11-22 13:39:28|remote_addr=203.0.113.7|request_method=GET|request_uri=/|server_protocol=HTTP/1.1|"
      "status=304|http_user_agent=say \"hi\"",
      "time=2026-11-22 13:39:28|remote_addr=203.0.113.7|request_method=GET|request_uri=/|server_protocol=HTTP/1.1|"
      "status=200|body_bytes_sent=612|http_user_agent=curl/7.88.1|host=www.example.com|server_port=443"};
  for (size_t i = 0; i < expected.size(); ++i) {
    const WebLogFormat& format = web_log_formats()[i];
    EXPECT_EQ(row(format.name, format.sample), expected[i]) << format.name;
  }
}

TEST(WebLog, SchemaHasAllColumnsInOrder) {
  const auto names = [](std::string_view format, bool raw) {
    auto decoder = make_web_log_decoder({std::string(format), raw}, {});
    std::string text;
    for (const Field& field : (*decoder)->schema()->fields) {
      text += fmt::format("{}:{}{} ", field.name, name_of(field.type), field.bytes ? ":bytes" : "");
    }
    return text;
  };
  const std::string common =
      "time:time remote_addr:text remote_user:text request_method:text request_uri:text server_protocol:text "
      "status:integer body_bytes_sent:integer http_referer:text http_user_agent:text request:text ";
  EXPECT_EQ(names("nginx_combined", true), common + "raw_log:text:bytes ");
  EXPECT_EQ(names("", true), common + "raw_log:text:bytes ");
  EXPECT_EQ(names("apache_common", false), common);
  EXPECT_EQ(names("apache_vhost_combined", true), common + "host:text server_port:integer raw_log:text:bytes ");
}

TEST(WebLog, UnknownFormat) {
  EXPECT_EQ(make_web_log_decoder({"nginx_combine", true}, {}).status().message(),
            "unknown format 'nginx_combine' (did you mean 'nginx_combined'?); see 'leat list formats'");
  EXPECT_EQ(make_web_log_decoder({"x\n", true}, {}).status().message(),
            "unknown format 'x\\n'; see 'leat list formats'");
  EXPECT_EQ(make_web_log_decoder({"x", true}, {}).status().kind(), Kind::bad_config);
}

TEST(WebLog, UsersWithSpacesBracketsAndEscapes) {
  const auto user = [](std::string_view format, std::string_view logged) {
    std::string text =
        row(format, fmt::format(R"(::1 - {} [22/Nov/2026:13:39:28 +0000] "GET / HTTP/1.1" 200 3 "-" "-")", logged));
    if (!text.starts_with("time=2026-11-22 13:39:28|remote_addr=::1|")) return text;
    const std::string rest = text.substr(text.find("::1|") + 4);
    EXPECT_TRUE(rest.ends_with("request_method=GET|request_uri=/|server_protocol=HTTP/1.1|" + std::string(kTailRow)));
    return rest.substr(0, rest.find("request_method"));
  };
  for (const std::string_view format : {"nginx_combined", "apache_combined"}) {
    EXPECT_EQ(user(format, "-"), "");
    EXPECT_EQ(user(format, "bob"), "remote_user=bob|");
    EXPECT_EQ(user(format, "bob smith"), "remote_user=bob smith|");
    EXPECT_EQ(user(format, R"(ev\x22il [x] - user)"), "remote_user=ev\"il [x] - user|");
    EXPECT_EQ(user(format, R"(ev\"il)"), "remote_user=ev\"il|");
    EXPECT_EQ(user(format, "x [01/Jan/2020:00:00:00 +0000]"), "remote_user=x [01/Jan/2020:00:00:00 +0000]|");
    EXPECT_EQ(user(format, R"(x [01/Jan/2020:00:00:00 +0000] \x22GET / HTTP/1.1\x22 200)"),
              "remote_user=x [01/Jan/2020:00:00:00 +0000] \"GET / HTTP/1.1\" 200|");
    EXPECT_EQ(user(format, "- bob"), "remote_user=- bob|");
    EXPECT_EQ(user(format, R"("")"), "remote_user=|");  // Apache's empty user
    EXPECT_EQ(user(format, R"(\xC3\xA9ric)"), "remote_user=éric|");
    EXPECT_EQ(user(format, "- -"), "reject remote_user: expected '[' at character 9, found '-'");
    EXPECT_EQ(user(format, R"("x)"), "reject remote_user: expected a user at character 7, found '\"'");
    EXPECT_EQ(user(format, R"(""x)"), "reject remote_user: expected a user at character 7, found '\"'");
  }
}

TEST(WebLog, NothingSlidesIntoTheWrongColumn) {
  const std::string rest = R"( - - [22/Nov/2026:13:39:28 +0000] "GET / HTTP/1.1" 200 3 "-" "-")";
  EXPECT_EQ(row("nginx_combined", "www.example.com 10.0.0.1" + rest),
            "reject : expected '-' at character 17, found '1'");
  EXPECT_EQ(row("apache_combined", "www.example.com 10.0.0.1" + rest),
            "reject : expected '-' at character 17, found '1'");
  EXPECT_EQ(row("apache_combined", "www.example.com fe80::1" + rest),
            "reject : expected '-' at character 17, found 'f'");
  EXPECT_EQ(row("apache_combined", "www.example.com client.example.com" + rest),
            "reject : expected '-' at character 17, found 'c'");
  EXPECT_EQ(row("nginx_combined", "10.0.0.1, 10.0.0.2" + rest), "reject : expected '-' at character 11, found '1'");
  EXPECT_EQ(row("nginx_combined", "Sep 15 16:13:46 host nginx[2869]: 10.0.0.1" + rest),
            "reject : expected '-' at character 5, found '1'");
  EXPECT_EQ(row("apache_vhost_combined", "10.0.0.1" + rest),
            "reject server_port: expected ':' at character 9, found ' '");
  EXPECT_EQ(row("nginx_combined", R"(10.0.0.1 - [22/Nov/2026:13:39:28 +0000] "GET / HTTP/1.1" 200 3 "-" "-")"),
            "reject remote_user: expected a user at character 12, found '['");
}

TEST(WebLog, AnIdentIsApaches) {
  const std::string line = R"(10.0.0.1 fred frank [22/Nov/2026:13:39:28 +0000] "GET / HTTP/1.1" 200 3 "-" "-")";
  EXPECT_EQ(row("nginx_combined", line), "reject : expected '-' at character 10, found 'f'");
  EXPECT_EQ(row("apache_combined", line).substr(0, 66),
            "time=2026-11-22 13:39:28|remote_addr=10.0.0.1|remote_user=frank|re");
}

TEST(WebLog, RequestsSplitOrKeptWhole) {
  EXPECT_EQ(request("GET /a HTTP/1.1"), "request_method=GET|request_uri=/a|server_protocol=HTTP/1.1");
  EXPECT_EQ(request("GET /sp ace HTTP/1.1"), "request_method=GET|request_uri=/sp ace|server_protocol=HTTP/1.1");
  EXPECT_EQ(request("get /lower HTTP/2.0"), "request_method=get|request_uri=/lower|server_protocol=HTTP/2.0");
  EXPECT_EQ(request("M-SEARCH * HTTP/1.1"), "request_method=M-SEARCH|request_uri=*|server_protocol=HTTP/1.1");
  EXPECT_EQ(request("CONNECT a:443 HTTP/1.1"), "request_method=CONNECT|request_uri=a:443|server_protocol=HTTP/1.1");
  EXPECT_EQ(request("PRI * HTTP/2.0"), "request_method=PRI|request_uri=*|server_protocol=HTTP/2.0");
  EXPECT_EQ(request("GET /a HTTP/1.1 HTTP/1.1"), "request_method=GET|request_uri=/a HTTP/1.1|server_protocol=HTTP/1.1");
  EXPECT_EQ(request("GET / HTTP/12345678.1"), "request_method=GET|request_uri=/|server_protocol=HTTP/12345678.1");
  EXPECT_EQ(request("GET / HTTP/2"), "request_method=GET|request_uri=/|server_protocol=HTTP/2");
  EXPECT_EQ(request(R"(GET /\x22q\x22\xC3\xA9\xFF HTTP/1.1)"),
            "request_method=GET|request_uri=/\"q\"é\\xFF|server_protocol=HTTP/1.1");
  EXPECT_EQ(request("GET - HTTP/1.1"), "request_method=GET|request_uri=-|server_protocol=HTTP/1.1");
  EXPECT_EQ(request("GET /old"), "request_method=GET|request_uri=/old");
  EXPECT_EQ(request("GET http://x/"), "request_method=GET|request_uri=http://x/");
  for (const std::string_view whole :
       {"", "HELP", "GET", "GET ", "GET  ", "GET  HTTP/1.1", "GET HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1",
        "GET /a b", "GET / HTTP/", "GET / http/1.1", "OPTIONS / RTSP/1.0", "help me", "G3T / HTTP/1.1", " / HTTP/1.1",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", "--", R"(\x16\x03\x01)"}) {
    EXPECT_EQ(request(whole), "request=" + std::string(whole));
  }
  EXPECT_EQ(request("-"), "");
}

TEST(WebLog, DashIsNullAndQuotesAreEmpty) {
  const auto tail = [](std::string_view logged) {
    std::string text = row("nginx_combined", fmt::format("{}\"-\"{}", kHead, logged));
    return text.starts_with(kHeadRow) ? text.substr(kHeadRow.size()) : text;
  };
  EXPECT_EQ(tail(R"( 200 3 "-" "-")"), "status=200|body_bytes_sent=3");
  EXPECT_EQ(tail(R"( 200 3 "" "")"), "status=200|body_bytes_sent=3|http_referer=|http_user_agent=");
  EXPECT_EQ(tail(R"( 200 - "--" "- ")"), "status=200|http_referer=--|http_user_agent=- ");
  EXPECT_EQ(tail(R"( 000 0 "a\"b" "\\")"), "status=0|body_bytes_sent=0|http_referer=a\"b|http_user_agent=\\");
  EXPECT_EQ(tail(R"( 200 9223372036854775807 "-" "-")"), "status=200|body_bytes_sent=9223372036854775807");
  EXPECT_EQ(tail(R"( 200 9223372036854775808 "-" "-")"),
            "reject body_bytes_sent: '9223372036854775808' does not fit in 64 bits");
}

TEST(WebLog, HostAndPort) {
  const auto host = [](std::string_view word) {
    const std::string text = row("apache_vhost_combined", fmt::format("{} {}\"-\"{}", word, kHead, kTail));
    const size_t at = text.find("|host=");
    return at == std::string::npos ? text : text.substr(at + 1);
  };
  EXPECT_EQ(host("example.com:80"), "host=example.com|server_port=80");
  EXPECT_EQ(host("[::1]:18080"), "host=[::1]|server_port=18080");
  EXPECT_EQ(host(":18080"), "host=|server_port=18080");
  EXPECT_EQ(host(R"(\x22:65535)"), "host=\"|server_port=65535");
  EXPECT_EQ(host("a:65536"), "reject server_port: '65536' is not a port");
  EXPECT_EQ(host("a:99999999999999999999"), "reject server_port: '99999999999999999999' is not a port");
  EXPECT_EQ(host("a:"), "reject server_port: expected a digit at character 3, found ' '");
  EXPECT_EQ(host("a:8x"), "reject server_port: expected ' ' at character 4, found 'x'");
  EXPECT_EQ(host("a"), "reject server_port: expected ':' at character 2, found ' '");
}

TEST(WebLog, RejectsSayWhere) {
  struct Case {
    std::string_view line, reject;
  };
  const Case cases[] = {
      {"x", "remote_addr: expected ' ' at character 2, found the end of the line"},
      {" - - [", "remote_addr: expected an address at character 1, found ' '"},
      {"a ", ": expected '-' at character 3, found the end of the line"},
      {"a -", ": expected ' ' at character 4, found the end of the line"},
      {"a -- b", ": expected ' ' at character 4, found '-'"},
      {"a - ", "remote_user: expected a user at character 5, found the end of the line"},
      {"a - -", "remote_user: expected ' ' at character 6, found the end of the line"},
      {"a - b ", "time: expected '[' at character 7, found the end of the line"},
      {"a - b x", "time: expected '[' at character 7, found 'x'"},
      {"a - - [", "time: expected a digit at character 8, found the end of the line"},
      {"a - - [22/Nov/2026 13:39:28 +0000] \"-\"", "time: expected ':' at character 19, found ' '"},
      {"a - - [22/Nov/2026:13:39:28 +0000x \"-\"", "time: expected ']' at character 34, found 'x'"},
      {"a - - [22/Nov/2026:13:39:28 +0000]  \"-\"", "request: expected '\"' at character 36, found ' '"},
      {"a - - [22/Nov/2026:13:39:28 +0000] ", "request: expected '\"' at character 36, found the end of the line"},
      {"a - - [31/Feb/2026:13:39:28 +0000] \"-\" 2", "time: '31/Feb/2026:13:39:28 +0000' is not a time"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-", "request: expected '\"' at character 38, found the end of the line"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"\\\"",
       "request: expected '\"' at character 39, found the end of the line"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"a\"b\" 200", "status: expected ' ' at character 39, found 'b'"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" abc 1", "status: expected a digit at character 40, found 'a'"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 20 1", "status: expected a digit at character 42, found ' '"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 2000 1", "status: expected ' ' at character 43, found '0'"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 200 x",
       "body_bytes_sent: expected a digit or '-' at character 44, found 'x'"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 200 1x", "body_bytes_sent: expected ' ' at character 45, found 'x'"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 200 1",
       "http_referer: expected ' ' at character 45, found the end of the line"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 200 1 [", "http_referer: expected '\"' at character 46, found '['"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 200 1 \"-\"",
       "http_user_agent: expected ' ' at character 49, found the end of the line"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 200 1 \"-\" \"Mozilla",
       "http_user_agent: expected '\"' at character 58, found the end of the line"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 200 1 \"-\" \"-\" 0.5", ": expected '\"' at character 54, found '0'"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 200 1 \"-\" \"-\"x",
       ": expected ' ' or the end of the line at character 53, found 'x'"},
      {"a - - [22/Nov/2026:13:39:28 +0000] \"-\" 200 1 \"-\" \"-\" \"",
       ": expected '\"' at character 55, found the end of the line"},
      {"a \x1B[31m", ": expected '-' at character 3, found '\\x1B'"},
      {"a é", ": expected '-' at character 3, found 'é'"},
  };
  for (const Case& c : cases) EXPECT_EQ(row("nginx_combined", c.line), "reject " + std::string(c.reject)) << c.line;
}

TEST(WebLog, RejectsCarryPlaceAndRecord) {
  auto decoder = make_web_log_decoder({"nginx_combined", true}, {});
  Chunk chunk;
  chunk.start = 1000;
  chunk.first_line = 41;
  chunk.bytes = "\nrubbish\r\n\r\n" + std::string(kHead) + "\"-\"" + std::string(kTail) + "\nmore";
  const Decoded result = decode(**decoder, std::move(chunk));
  ASSERT_EQ(result.rejects.size(), 2U);
  EXPECT_EQ(result.rejects[0].part, "part");
  EXPECT_EQ(result.rejects[0].origin, "access.log");
  EXPECT_EQ(result.rejects[0].byte_offset, 1001U);
  EXPECT_EQ(result.rejects[0].line, 42U);
  EXPECT_EQ(result.rejects[0].raw, "rubbish");
  EXPECT_EQ(result.rejects[0].raw_length, 7U);
  EXPECT_EQ(result.rejects[0].raw_hash, hash128("rubbish"));
  ASSERT_EQ(result.origins.size(), 1U);
  EXPECT_EQ(result.origins[0].offset, 1012U);
  EXPECT_EQ(result.origins[0].line, 44U);
  EXPECT_EQ(result.rejects[1].line, 45U);
  EXPECT_EQ(result.rejects[1].raw, "more");
}

TEST(WebLog, CarriageReturnsAndBlankLines) {
  const std::string line = std::string(kHead) + "\"-\"" + std::string(kTail);
  const Decoded result = decode("nginx_combined", "\r\n\n" + line + "\r\n" + line + "\n\r\n" + line + "\r");
  EXPECT_EQ(result.raws, (std::vector<std::string>{line, line, line}));
  EXPECT_TRUE(result.rejects.empty());
  EXPECT_EQ(decode("nginx_combined", "\r\r\n").rejects.size(), 1U);
}

TEST(WebLog, RawLogIsByteExactAndCellsAreClean) {
  std::string line = std::string(kHead) + "\"GET /?";
  for (int c = 1; c < 256; ++c) {
    if (c != '\n' && c != '"' && c != '\\') line += static_cast<char>(c);
  }
  line += '\0';
  line += " HTTP/1.1\"" + std::string(kTail);
  auto decoder = make_web_log_decoder({"nginx_combined", true}, {});
  RecordBatch batch((*decoder)->schema());
  Rejects rejects;
  Chunk chunk;
  chunk.bytes = line + "\n";
  (*decoder)->decode(std::move(chunk), batch, rejects);
  ASSERT_EQ(batch.rows(), 1U);
  EXPECT_EQ(testing::value_of(batch, "raw_log", 0), line);
  const std::string uri = testing::value_of(batch, "request_uri", 0);
  EXPECT_TRUE(uri.starts_with(R"(/?\x01\x02)"));
  EXPECT_TRUE(uri.ends_with(R"(\xFE\xFF\x00)"));
  EXPECT_EQ(testing::value_of(batch, "server_protocol", 0), "HTTP/1.1");
}

TEST(WebLog, ExtraQuotedFieldsAreToldOnce) {
  const std::string line = std::string(kHead) + "\"-\"" + std::string(kTail);
  const Decoded result =
      decode("nginx_combined", line + "\n" + line + " \"203.0.113.5, 10.0.0.1\"\n" + line + R"( "a" "b\"c")" + "\n");
  EXPECT_EQ(result.rows.size(), 3U);
  EXPECT_EQ(result.rows[0], result.rows[2]);
  EXPECT_EQ(
      result.notes,
      (std::vector<std::string>{"access.log:2: 1 more quoted field at the end of the line, kept in raw_log only"}));
}

TEST(WebLog, ALineThatIsTooLongIsOneReject) {
  auto decoder = make_web_log_decoder({"", true}, {});
  Chunk chunk;
  chunk.start = 50;
  chunk.first_line = 3;
  chunk.bytes = std::string(100'000, 'x');
  chunk.skipped = 77;
  chunk.truncated = true;
  chunk.whole_hash = {7, 9};
  const Decoded result = decode(**decoder, std::move(chunk));
  EXPECT_TRUE(result.rows.empty());
  ASSERT_EQ(result.rejects.size(), 1U);
  const Reject& reject = result.rejects[0];
  EXPECT_EQ(reject.reason, "line is longer than 100,000 bytes");
  EXPECT_EQ(reject.column, "");
  EXPECT_EQ(reject.byte_offset, 50U);
  EXPECT_EQ(reject.line, 3U);
  EXPECT_EQ(reject.raw.size(), kRejectRawLimit);
  EXPECT_EQ(reject.raw_length, 100'077U);
  EXPECT_EQ(reject.raw_hash, (Hash128{7, 9}));
}

TEST(WebLog, ProvisionalAndPlaceGoIntoTheBatch) {
  auto decoder = make_web_log_decoder({"nginx_combined", true}, {});
  RecordBatch batch((*decoder)->schema());
  Rejects rejects;
  Chunk chunk;
  chunk.bytes = std::string(kHead) + "\"-\"" + std::string(kTail);
  chunk.end = {"p1", "/var/log/a.log", 0, ""};
  chunk.provisional = true;
  (*decoder)->decode(std::move(chunk), batch, rejects);
  EXPECT_EQ(batch.rows(), 1U);
  EXPECT_EQ(batch.part, "p1");
  EXPECT_EQ(batch.origin, "/var/log/a.log");
  EXPECT_TRUE(batch.provisional);
}

TEST(WebLog, WithoutRawTheRowKeepsItsRecordsPlace) {
  auto decoder = make_web_log_decoder({"nginx_combined", false}, {});
  Chunk chunk;
  chunk.bytes = std::string(kHead) + "\"-\"" + std::string(kTail);
  const std::string line = chunk.bytes;
  EXPECT_EQ(decode(**decoder, std::move(chunk)).raws, (std::vector<std::string>{line}));
}

}  // namespace
}  // namespace leat
