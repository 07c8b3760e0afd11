#include "app/web_log_lines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace leat::app {
namespace {

constexpr int64_t kStart = 1'767'225'600'000'000;  // 2026-01-01 00:00:00 UTC

std::string make(uint64_t seed, int64_t pace_micros, size_t lines) {
  WebLogLines source(seed, kStart, pace_micros);
  std::string text;
  for (size_t i = 0; i < lines; ++i) source.add(text);
  return text;
}

TEST(WebLogLines, the_same_seed_gives_the_same_lines) {
  EXPECT_EQ(make(1, 100'000, 500), make(1, 100'000, 500));
  EXPECT_NE(make(1, 100'000, 500), make(2, 100'000, 500));
  // On every machine and with every compiler: a change here is a change of what users have.
  EXPECT_EQ(make(1, 100'000, 1),
            "44.65.65.17 - - [01/Jan/2026:00:00:00 +0000] \"GET /assets/app.js?n=1 HTTP/2.0\" 200 27768 "
            "\"https://www.example.com/assets/quarry-1360.js\" \"Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
            "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\"\n");
}

// The part of `line` up to `end`, which has to be there; `line` becomes what follows.
std::string_view take(std::string_view& line, std::string_view end) {
  const size_t at = line.find(end);
  EXPECT_NE(at, std::string_view::npos) << "no " << end << " in " << line;
  const std::string_view part = line.substr(0, at);
  line.remove_prefix(std::min(at, line.size() - end.size()) + end.size());
  return part;
}

TEST(WebLogLines, each_line_is_a_numbered_log_line_and_a_tenth_are_twins) {
  const std::string text = make(3, 100'000, 20'000);
  std::string_view before;
  size_t twins = 0;
  int64_t number = 0;
  std::set<std::string_view> addresses;
  std::set<std::string_view> agents;
  for (const std::string_view whole : split(std::string_view(text).substr(0, text.size() - 1), '\n')) {
    std::string_view line = whole;
    addresses.insert(take(line, " - "));
    EXPECT_FALSE(take(line, " [01/Jan/2026:00:").empty()) << whole;
    EXPECT_EQ(take(line, " +0000] \"").size(), 5U) << whole;
    std::string_view request = take(line, "\" ");
    const std::string_view method = take(request, " /");
    EXPECT_TRUE(method == "GET" || method == "POST" || method == "HEAD" || method == "OPTIONS" || method == "PROPFIND");
    request.remove_prefix(request.rfind("n=") + 2);
    const auto here = parse_integer(request.substr(0, request.find(' ')));
    EXPECT_EQ(take(line, " ").size(), 3U) << whole;
    EXPECT_TRUE(parse_integer(take(line, " \""))) << whole;
    take(line, "\" \"");
    agents.insert(take(line, "\""));
    EXPECT_EQ(line, "") << whole;
    if (whole == before) {
      ++twins;
    } else {
      ASSERT_EQ(here, ++number) << whole;
    }
    before = whole;
  }
  EXPECT_EQ(twins, 2000U);
  EXPECT_EQ(number, 18'000);
  EXPECT_GT(addresses.size(), 5000U);
  EXPECT_GE(agents.size(), 150U);
  for (const char* part :
       {"404", " 304 ", "\\x22", "Googlebot", "HEAD /", "POST /", "%C3%BC", "bob smith", "2001:db8:"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

TEST(WebLogLines, some_pages_are_asked_for_far_oftener_than_others) {
  const std::string text = make(4, 100'000, 20'000);
  const auto hits = [&](std::string_view page) {
    size_t count = 0;
    for (size_t at = text.find(page); at != std::string::npos; at = text.find(page, at + 1)) ++count;
    return count;
  };
  EXPECT_GT(hits("GET /?n="), 1500U);
  EXPECT_GT(hits("GET /?n="), 5 * hits("GET /feed.xml?n="));
  EXPECT_GT(hits("GET /feed.xml?n="), 50U);
}

TEST(WebLogLines, the_clock_goes_on_at_the_pace_and_never_back) {
  WebLogLines lines(5, kStart, 50'000);
  std::string text;
  int64_t before = kStart;
  for (int i = 0; i < 10'000; ++i) {
    lines.add(text);
    ASSERT_GE(lines.clock(), before);
    before = lines.clock();
  }
  EXPECT_NEAR(static_cast<double>(before - kStart), 9000 * 50'000.0, 9000 * 50'000.0 / 20);
}

}  // namespace
}  // namespace leat::app
