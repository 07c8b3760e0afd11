// Formats as they are pasted: those of tests/formats/ with their lines, and strings that are none.

#include "decoders/log_format.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "tests/support/web_log_rows.h"

namespace leat {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> format_files() {
  std::vector<fs::path> files;
  for (const auto& entry :
       fs::directory_iterator(fs::path(__FILE__).parent_path() / ".." / ".." / "tests" / "formats")) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Decodes a whole log as a source would: cut where the cutter says, opened anew when the schema grows.
testing::Decoded decode_all(Decoder& decoder, const std::string& text) {
  testing::Decoded all;
  std::string context;
  auto cutter = decoder.make_cutter("access.log");
  size_t start = 0;
  uint64_t line = 1;
  for (int failures = 0; start < text.size() && failures < 100;) {
    context = cutter->save();
    const auto cut = cutter->whole(std::string_view(text).substr(start), {.ended = true, .most_records = UINT64_MAX});
    if (!cut.ok()) {
      EXPECT_EQ(cut.status().kind(), Kind::retry) << cut.status().message();
      ++failures;
      cutter = decoder.make_cutter("access.log");
      EXPECT_TRUE(cutter->restore(context).ok());
      continue;
    }
    if (cut->bytes == 0) break;
    Chunk chunk;
    chunk.bytes = text.substr(start, cut->bytes);
    chunk.start = start;
    chunk.first_line = line;
    chunk.context = context.empty() ? cutter->save() : context;
    line += static_cast<uint64_t>(std::count(chunk.bytes.begin(), chunk.bytes.end(), '\n'));
    start += cut->bytes;
    all.add(testing::decode(decoder, std::move(chunk)));
  }
  return all;
}

// The file as it should be.
std::string found_in(const fs::path& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  std::string head;
  std::string format;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("format ")) format = line.substr(7);
    if (line.starts_with("line ")) {
      lines.push_back(line.substr(5));
    } else if (!line.starts_with("  ")) {
      head += line + "\n";
    }
  }
  WebLogOptions options;
  (format.find_first_of("$%") == std::string::npos ? options.format : options.log_format) = format;
  auto decoder = make_web_log_decoder(options, {});
  if (!decoder.ok()) return decoder.status().message();
  std::string log;
  for (const std::string& line : lines) log += line + "\n";
  const testing::Decoded decoded = decode_all(**decoder, log);
  std::string text = head;
  size_t row = 0;
  size_t reject = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    text += "line " + lines[i] + "\n";
    if (row < decoded.rows.size() && decoded.origins[row].line == i + 1) {
      EXPECT_EQ(decoded.raws[row], lines[i]);
      for (const std::string_view cell : split(decoded.rows[row], '|')) text += fmt::format("  {}\n", cell);
      ++row;
    } else if (reject < decoded.rejects.size() && decoded.rejects[reject].line == i + 1) {
      text += fmt::format("  reject {}: {}\n", decoded.rejects[reject].column, decoded.rejects[reject].reason);
      ++reject;
    } else {
      text += "  skipped\n";
    }
  }
  EXPECT_EQ(row, decoded.rows.size());
  EXPECT_EQ(reject, decoded.rejects.size());
  return text;
}

TEST(LogFormat, FormatsWithLinesOfTheirs) {
  const std::vector<fs::path> files = format_files();
  EXPECT_GE(files.size(), 20U);
  for (const fs::path& path : files) {
    const std::string found = found_in(path);
    if (std::getenv("LEAT_REWRITE_FORMATS") != nullptr) std::ofstream(path) << found;
    std::ifstream in(path);
    std::stringstream expected;
    expected << in.rdbuf();
    EXPECT_EQ(found, expected.str()) << path;
  }
}

std::string trouble(std::string_view format) {
  size_t at = 0;
  size_t length = 0;
  const std::string text = trouble_with_log_format(format, &at, &length);
  return text.empty() ? "" : fmt::format("{}+{}: {}", at, length, text);
}

TEST(LogFormat, WhatIsNone) {
  const std::string apart =
      "nothing stands between this variable and the one before it, so nobody can tell where that one ends; put a "
      "character between them in the server's configuration";
  EXPECT_EQ(trouble("words only"), "0+1: holds no variable; nginx's look like $remote_addr, Apache's like %h");
  EXPECT_EQ(trouble("$remote_addr$status"), "12+7: " + apart);
  EXPECT_EQ(trouble("log_format x '$remote_addr' '$status';"), "29+7: " + apart);
  EXPECT_EQ(trouble("%h %>s%b"), "6+2: " + apart);
  EXPECT_EQ(trouble("$remote_addr $"), "13+1: a variable's name must follow '$'");
  EXPECT_EQ(trouble("$remote_addr ${status"), "13+8: '}' is missing after the variable's name");
  EXPECT_EQ(trouble("%h %"), "3+1: a letter must follow '%'");
  EXPECT_EQ(trouble("%h %{Referer"), "4+1: '}' is missing after '%{'");
  EXPECT_EQ(trouble("%h %Z"), "3+2: unknown directive '%Z'");
  EXPECT_EQ(trouble("%h %{%Q}t").substr(0, 40), "3+6: '%Q' in a time cannot be read; ther");
  EXPECT_EQ(trouble("LogFormat \"%h"), "10+1: the quote \" is not closed");
  EXPECT_EQ(trouble("log_format x escape=xml '$host';"),
            "20+3: unknown escape 'xml'; nginx has default, json and none");
  EXPECT_EQ(trouble("{\"a\":\"$host\",\"a\":\"$status\"}"),
            "15+1: this looks like a JSON format, but the key 'a' stands in it twice");
  EXPECT_EQ(trouble("{\"a\":[\"$host\"]}"),
            "5+1: this looks like a JSON format, but a list cannot become columns; write its values under keys of "
            "their own");
  EXPECT_EQ(trouble("{\"$host\":\"$status\"}"), "2+5: this looks like a JSON format, but a key cannot be a variable");
  EXPECT_EQ(trouble("{\"a\":\"$host\""), "11+1: this looks like a JSON format, but '}' is expected here");
  EXPECT_EQ(trouble("{\"a\":\"$host\"} x"),
            "14+1: this looks like a JSON format, but the format goes on behind its last '}'");
  EXPECT_EQ(trouble("$host $status"), "");
  EXPECT_EQ(trouble("%%%h"), "");
}

TEST(LogFormat, ColumnsOfAFormatFollowTheStandardOnes) {
  const auto decoder =
      *make_web_log_decoder({"", true, "$status $foo $host $foo $remote_addr $request_time $bytes_sent $time $_x"}, {});
  std::string names;
  for (const Field& field : decoder->schema()->fields) names += field.name + " ";
  EXPECT_EQ(names,
            "time remote_addr remote_user request_method request_uri server_protocol status body_bytes_sent "
            "http_referer http_user_agent request foo host request_time bytes_sent x_time x__x raw_log ");
}

TEST(LogFormat, AFormatIsGivenOnce) {
  const auto message = [](const WebLogOptions& options) {
    const auto made = make_web_log_decoder(options, {});
    return made.ok() ? "" : made.status().message();
  };
  EXPECT_EQ(message({"apache_common", true, "$host $status"}),
            "format 'apache_common' has a layout of its own; give either 'format' or 'log_format'");
  EXPECT_EQ(message({"nginx_json", true, ""}),
            "format 'nginx_json' needs the log_format that wrote the lines, as it stands in nginx's configuration: "
            "format = { type = \"web_log\", log_format = '…' }, or --format '…'");
  EXPECT_EQ(message({"nginx_json", true, "{\"a\":\"$host\"}"}), "");
  EXPECT_EQ(message({"", true, "$host$status"}).substr(0, 28), "log_format, at character 6: ");
}

}  // namespace
}  // namespace leat
