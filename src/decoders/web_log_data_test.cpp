// Real and hostile logs. They are not part of the repository: $LEAT_SHARED_DATA, or ../shared/data beside it.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "decoders/web_log.h"
#include "tests/support/web_log_rows.h"

namespace leat {
namespace {

namespace fs = std::filesystem;

class WebLogData : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* named = std::getenv("LEAT_SHARED_DATA");
    const fs::path data =
        named != nullptr ? fs::path(named) : fs::path(__FILE__).parent_path() / ".." / ".." / ".." / "shared" / "data";
    logs_ = data / "access-logs";
    if (fs::is_directory(logs_)) return;
    const char* ci = std::getenv("CI");
    ASSERT_FALSE(ci != nullptr && std::string_view(ci) == "true") << "no access logs in " << logs_;
    GTEST_SKIP() << "no access logs in " << logs_;
  }

  std::vector<fs::path> files(const char* folder, const char* extension_part) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(logs_ / folder)) {
      if (entry.path().filename().string().find(extension_part) != std::string::npos) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  fs::path logs_;
};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

size_t lines_not_blank(const std::string& text) {
  size_t count = 0;
  for (const std::string_view line : split(text, '\n')) count += line.empty() || line == "\r" ? 0 : 1;
  return count;
}

// The line that would have been logged for a row, when no escapes were needed.
std::string line_of(const RecordBatch& batch, size_t row) {
  const auto value = [&](std::string_view column) {
    const std::string text = testing::value_of(batch, column, row);
    return text == "~" ? "-" : text;
  };
  const int64_t micros = batch.integer(0, row);
  const std::string time = format_time(micros);
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string request = batch.is_null(*batch.schema().find("request_uri"), row)
                                  ? value("request")
                                  : fmt::format("{} {}{}", value("request_method"), value("request_uri"),
                                                value("server_protocol") == "-" ? "" : " " + value("server_protocol"));
  return fmt::format("{} - {} [{}/{}/{}:{} +0000] \"{}\" {:03} {} \"{}\" \"{}\"", value("remote_addr"),
                     value("remote_user"), time.substr(8, 2), kMonths[std::stoi(time.substr(5, 2)) - 1],
                     time.substr(0, 4), time.substr(11), request, std::stoi(value("status")), value("body_bytes_sent"),
                     value("http_referer"), value("http_user_agent"));
}

struct Count {
  size_t rows = 0;
  size_t rejects = 0;
  size_t rebuilt = 0;  // rows whose line can be made again from their columns
};

Count take(const fs::path& path) {
  const std::string text = read(path);
  auto decoder = *make_web_log_decoder({}, {});
  auto cutter = decoder->make_cutter(path.string());
  const auto cut = cutter->whole(text, {.ended = true, .most_records = UINT64_MAX});
  EXPECT_TRUE(cut.ok()) << cut.status().message();
  Chunk chunk;
  chunk.bytes = text;
  chunk.context = cutter->save();
  RecordBatch batch(decoder->schema());
  Rejects rejects;
  decoder->decode(std::move(chunk), batch, rejects);
  Count count{batch.rows(), rejects.size(), 0};
  EXPECT_EQ(count.rows + count.rejects, lines_not_blank(text)) << path;
  for (size_t row = 0; row < batch.rows(); ++row) {
    const std::string_view raw = batch.raw(row);
    if (raw.find('\\') != std::string_view::npos || !is_utf8(raw)) continue;
    const std::string again = line_of(batch, row);
    EXPECT_EQ(again, raw) << path;
    count.rebuilt += again == raw ? 1 : 0;
  }
  return count;
}

TEST_F(WebLogData, EveryRotatedNginxRecordIsARow) {
  Count all;
  const auto paths = files("nginx-rotated", ".access.log-");
  EXPECT_EQ(paths.size(), 29U);
  for (const fs::path& path : paths) {
    const Count one = take(path);
    all.rows += one.rows;
    all.rejects += one.rejects;
    all.rebuilt += one.rebuilt;
  }
  EXPECT_EQ(all.rows, 20'429U);
  EXPECT_EQ(all.rejects, 0U);
  EXPECT_GT(all.rebuilt, 19'000U);
}

TEST_F(WebLogData, ApacheCombined) {
  const Count count = take(logs_ / "apache-combined.log");
  EXPECT_EQ(count.rows, 9'999U);
  EXPECT_EQ(count.rejects, 1U);
  EXPECT_GT(count.rebuilt, 9'900U);
}

TEST_F(WebLogData, WhatNginxEscapes) {
  const testing::Decoded combined = testing::decode("nginx_combined", read(logs_ / "nginx-escapes/combined.log"));
  EXPECT_EQ(combined.rows.size(), 24U);
  EXPECT_TRUE(combined.rejects.empty());
  const auto has = [](const testing::Decoded& decoded, std::string_view text) {
    return std::any_of(decoded.rows.begin(), decoded.rows.end(),
                       [&](const std::string& row) { return row.find(text) != std::string::npos; });
  };
  for (const std::string_view text :
       {"http_referer=http://x/?a=\"b\"|http_user_agent=quo\"te \\back\\x09tab", "http_user_agent=utf8 مگ \\xFF bad",
        "remote_addr=::1|", "remote_user=bob smith|", "remote_user=ev\"il [x] - user|", "request=\\x00\\x01\\x02\\xFF",
        "http_user_agent=x\\x1B[31mred\\x7F"}) {
    EXPECT_TRUE(has(combined, text)) << text;
  }
  const testing::Decoded vhost = testing::decode("apache_vhost_combined", read(logs_ / "nginx-escapes/vhost.log"));
  EXPECT_EQ(vhost.rows.size(), 23U);
  EXPECT_TRUE(vhost.rejects.empty());
  for (const std::string_view text : {"host=127.0.0.1|server_port=18080", "host=[::1]|server_port=18080",
                                      "host=|server_port=18080", "host=abs.example|server_port=18080"}) {
    EXPECT_TRUE(has(vhost, text)) << text;
  }
}

TEST_F(WebLogData, HostileLogsInEveryFormatConserveTheirLines) {
  for (const char* folder : {"hostile", "nginx-escapes"}) {
    for (const fs::path& path : files(folder, ".log")) {
      const std::string text = read(path);
      for (const std::string_view format : {"", "nginx_combined", "apache_common", "apache_combined",
                                            "apache_vhost_combined", "npm_proxy", "npm_standard", "w3c"}) {
        const testing::Decoded result = testing::decode(format, text);
        EXPECT_EQ(result.rows.size() + result.rejects.size(), lines_not_blank(text)) << path << " " << format;
        for (const std::string& row : result.rows) EXPECT_TRUE(is_utf8(row) && row.find('\0') == std::string::npos);
      }
    }
  }
}

// What becomes of a log: "rows+rejects format", or "refused".
std::string outcome(const fs::path& path, const WebLogOptions& options) {
  const std::string text = read(path);
  auto decoder = *make_web_log_decoder(options, {});
  auto cutter = decoder->make_cutter("x");
  auto cut = cutter->whole(text, {.ended = true, .most_records = UINT64_MAX});
  for (int i = 0; i < 5 && !cut.ok() && cut.status().kind() == Kind::retry; ++i)
    cut = cutter->whole(text, {.ended = true, .most_records = UINT64_MAX});
  if (!cut.ok()) return "refused";
  Chunk chunk;
  chunk.bytes = text;
  chunk.context = cutter->save();
  const testing::Decoded decoded = testing::decode(*decoder, std::move(chunk));
  EXPECT_EQ(decoded.rows.size() + decoded.rejects.size(), lines_not_blank(text)) << path;
  for (const Reject& reject : decoded.rejects) EXPECT_FALSE(reject.reason.empty());
  const std::string format = cutter->save().empty() ? "" : " " + cutter->save().substr(7);
  return fmt::format("{}+{}{}", decoded.rows.size(), decoded.rejects.size(), format);
}

TEST_F(WebLogData, HostileLogsAsTheyAreRecognised) {
  const std::vector<std::pair<std::string, std::string>> expected{
      {"http-admin-interface-probing__http-admin-interface-probing.log", "3+0 nginx_combined"},
      {"http-bf-wordpress-bf__http-bf-wordpress-bf.log", "refused"},
      {"http-cve-probing__http-cve-probing.log", "3+0 nginx_combined"},
      {"http-dos-bypass-cache__http_dos_bypass_cache.log", "356+0 nginx_combined"},
      {"http-dos-invalid-http-versions__http-dos-invalid-http-versions.log", "6+0 nginx_combined"},
      {"http-dos-random-uri__http_dos_random_uri.log", "66+0 nginx_combined"},
      {"http-dos-switching-ua__http-dos-switching-ua.log", "15+0 nginx_combined"},
      {"http-generic-test__http-generic-test.log", "1+0 nginx_combined"},
      {"http-magento-bf__http-magento-bf.log", "refused"},
      {"http-technology-probing__http-technology-probing.log", "5+0 nginx_combined"},
      {"http-wordpress-scan__http-wordpress-scan.log", "8+0 nginx_combined"},
      {"http-wordpress_user-enum__http-wordpress_user-enum.log", "12+0 nginx_combined"},
      {"http-wordpress_wpconfig__http-wordpress_wpconfig.log", "refused"},
      {"nginx-bad-user-agent__nginx-bad-user-agent.log", "3+0 nginx_combined"},
      {"nginx-cve-2021-41773__cve-2021-41773.log", "refused"},
      {"nginx-http-backdoor__nginx-http-backdoor.log", "2+0 nginx_combined"},
      {"nginx-http-generic-bf__nginx-http-generic-bf.log", "6+16 nginx_combined"},
      {"nginx-http-malformed__nginx_http-logs.log", "12+0 nginx_combined"},
      {"nginx-http-open-proxy__nginx-http-open-proxy.log", "2+0 nginx_combined"},
      {"nginx-http-path-traversal__nginx-http-path-traversal.log", "9+0 nginx_combined"},
      {"nginx-http-sensitive-files__nginx-http-sensitive-files.log", "9+0 nginx_combined"},
      {"nginx-http-sqli-probing__nginx-http-sqli-probing.log", "16+0 nginx_combined"},
      {"nginx-http-w00twoot__nginx-http-w00twoot.log", "2+0 nginx_combined"},
      {"nginx-http-xss-probing__nginx-http-xss-probing.log", "26+0 nginx_combined"},
      {"nginx-proxy-manager-logs__nginx-proxy-manager-logs.log", "6+8 npm_proxy"},
      {"nginx-proxy-manager-malformed__nginx_http-logs.log", "12+0 nginx_combined"},
      {"nginx_http-catch-npm__nginx_http-catch-npm.log", "refused"},
      {"nginx_http-logs__nginx_http-logs.log", "4+5 nginx_combined"},
      {"nginx_req_limit_exceeded__nginx_req_limit_exceeded.log", "refused"},

  };
  std::vector<std::pair<std::string, std::string>> found;
  for (const fs::path& path : files("hostile", ".log")) {
    found.emplace_back(path.filename().string(), outcome(path, {}));
    fmt::print("{}: {}\n", found.back().first, found.back().second);
  }
  EXPECT_EQ(found, expected);
}

TEST_F(WebLogData, EscapesOfNginxByTheFormatsThatWroteThem) {
  const std::string combined =
      "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" "
      "\"$http_user_agent\"";
  const std::vector<std::pair<const char*, std::string>> formats{
      {"combined", combined},
      {"none", fmt::format("log_format none escape=none '{}';", combined)},
      {"vhost", fmt::format("$host:$server_port {} \"$http_x_forwarded_for\"", combined)},
      {"json",
       R"({"t":"$time_iso8601","msec":"$msec","addr":"$remote_addr","user":"$remote_user","req":"$request","status":$status,"bytes":$body_bytes_sent,"ref":"$http_referer","ua":"$http_user_agent","rt":"$request_time","up":"$upstream_response_time","xff":"$http_x_forwarded_for"})"}};
  std::string found;
  for (const auto& [name, format] : formats) {
    const fs::path path = logs_ / "nginx-escapes" / fmt::format("{}.log", name);
    found += fmt::format("{} {}\n", name, outcome(path, {"", true, format}));
  }
  fmt::print("{}", found);
  EXPECT_EQ(found, "combined 24+0\nnone 23+0\nvhost 23+0\njson 24+0\n");
  // By its own format and by the parser that knows it, a line is the same row.
  const std::string text = read(logs_ / "nginx-escapes/combined.log");
  auto given = *make_web_log_decoder({"", true, combined}, {});
  Chunk chunk;
  chunk.bytes = text;
  EXPECT_EQ(testing::decode(*given, std::move(chunk)).rows, testing::decode("nginx_combined", text).rows);
}

TEST_F(WebLogData, ACompiledFormatGivesWhatTheParserGives) {
  const std::string apache = R"(%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i")";
  std::vector<fs::path> paths = files("nginx-rotated", "2025122");
  paths.push_back(logs_ / "apache-combined.log");
  for (const fs::path& path : paths) {
    const std::string text = read(path);
    auto given = *make_web_log_decoder({"", true, apache}, {});
    Chunk chunk;
    chunk.bytes = text;
    const testing::Decoded by_string = testing::decode(*given, std::move(chunk));
    const testing::Decoded by_name = testing::decode("apache_combined", text);
    EXPECT_EQ(by_string.rows, by_name.rows) << path;
    EXPECT_EQ(by_string.rejects.size(), by_name.rejects.size()) << path;
  }
}

TEST_F(WebLogData, WhereAFileIsCutChangesNothing) {
  std::vector<fs::path> paths = files("hostile", ".log");
  paths.push_back(logs_ / "nginx-escapes/combined.log");
  paths.push_back(logs_ / "nginx-escapes/none.log");
  paths.push_back(files("nginx-rotated", "20251220").at(0));
  for (const fs::path& path : paths) {
    const std::string text = read(path);
    auto decoder = *make_web_log_decoder({}, {});
    auto cutter = decoder->make_cutter("x");
    if (!cutter->whole(text, {.ended = true, .most_records = UINT64_MAX}).ok()) continue;
    const std::string context = cutter->save();
    Chunk chunk;
    chunk.bytes = text;
    chunk.context = context;
    const testing::Decoded all = testing::decode(*decoder, std::move(chunk));
    testing::Decoded pieces;
    uint64_t start = 0;
    uint64_t number = 1;
    while (start < text.size()) {
      const size_t newline = text.find('\n', start);
      const size_t end = newline == std::string::npos ? text.size() : newline + 1;
      Chunk piece;
      piece.bytes = text.substr(start, end - start);
      piece.start = start;
      piece.first_line = number++;
      piece.context = context;
      start = end;
      pieces.add(testing::decode(*decoder, std::move(piece)));
    }
    EXPECT_EQ(pieces.rows, all.rows) << path;
    EXPECT_EQ(pieces.raws, all.raws) << path;
    ASSERT_EQ(pieces.rejects.size(), all.rejects.size()) << path;
    for (size_t i = 0; i < all.rejects.size(); ++i) {
      EXPECT_EQ(pieces.rejects[i].reason, all.rejects[i].reason);
      EXPECT_EQ(pieces.rejects[i].byte_offset, all.rejects[i].byte_offset);
      EXPECT_EQ(pieces.rejects[i].line, all.rejects[i].line);
    }
    for (size_t i = 0; i < std::min(all.origins.size(), pieces.origins.size()); ++i) {
      EXPECT_EQ(pieces.origins[i].offset, all.origins[i].offset);
      EXPECT_EQ(pieces.origins[i].line, all.origins[i].line);
    }
  }
}

}  // namespace
}  // namespace leat
