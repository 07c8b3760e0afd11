#include "app/web_log_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "app/web_log_agents.h"
#include "base/time.h"

namespace leat::app {
namespace {

constexpr size_t kVisitors = 50'000;
constexpr size_t kPages = 4'000;
constexpr size_t kPageDraws = 65'536;
constexpr size_t kReferers = 400;
constexpr size_t kLongestLine = 2048;  // the longest agent, page and referer have some 600 bytes together

constexpr std::array<std::string_view, 24> kWords{"autumn",  "bridge",  "canal",  "guide",  "harbour", "history",
                                                  "island",  "kitchen", "letter", "market", "mill",    "morning",
                                                  "orchard", "paper",   "quarry", "river",  "school",  "station",
                                                  "summer",  "theatre", "valley", "walk",   "water",   "winter"};
constexpr std::array<std::string_view, 20> kFirstPages{
    "/",         "/assets/app.css", "/assets/app.js", "/favicon.ico",   "/img/logo.svg",      "/robots.txt",
    "/feed.xml", "/about",          "/login",         "/search?q=mill", "/contact",           "/sitemap.xml",
    "/blog/",    "/api/v1/items",   "/products/",     "/img/hero.webp", "/assets/font.woff2", "/wp-login.php",
    "/.env",     "/impressum"};
constexpr std::array<std::string_view, 10> kProbes{"/xmlrpc.php",
                                                   "/.git/config",
                                                   "/phpmyadmin/index.php",
                                                   "/cgi-bin/luci/;stok=/locale",
                                                   "/vendor/phpunit/phpunit/phpunit.xml",
                                                   "/wp-admin/setup-config.php",
                                                   "/actuator/health",
                                                   "/boaform/admin/formLogin",
                                                   "/owa/auth/logon.aspx",
                                                   "/solr/admin/info/system"};
constexpr std::array<std::string_view, 5> kQueries{
    "?q=%22caf%C3%A9+au+lait%22", "?q=\\xD0\\xBC\\xD0\\xBB\\xD1\\x8B\\xD0\\xBD", "?a[]=1&b=2",
    "?redirect=https%3A%2F%2Fwww.example.org%2F", "?id=1%27%20OR%20\\x221\\x22=\\x221"};
constexpr std::array<std::string_view, 12> kElsewhere{"https://www.google.com/",
                                                      "https://www.google.de/",
                                                      "https://www.bing.com/",
                                                      "https://duckduckgo.com/",
                                                      "https://t.co/aB3dE5fGhI",
                                                      "https://news.ycombinator.com/",
                                                      "https://www.reddit.com/",
                                                      "android-app://com.google.android.gm/",
                                                      "https://search.example.net/?q=water+mill&lang=de",
                                                      "http://blog.example.org/2025/11/a-%C3%BC-in-it/",
                                                      "https://forum.example.net/t?q=\\x22quoted\\x22\\x5C",
                                                      "http://\\xD9\\x85\\xD8\\xAB.example/"};
constexpr std::array<std::string_view, 4> kProtocols{" HTTP/1.1\" ", " HTTP/2.0\" ", " HTTP/1.0\" ", " HTTP/3.0\" "};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string address_of(Random& random) {
  const uint64_t bits = random.next();
  if (bits % 12 == 0) {
    return fmt::format("2001:db8:{:x}:{:x}::{:x}", bits >> 16 & 0xFFFF, bits >> 32 & 0xFF, bits >> 40 & 0xFFFF);
  }
  uint64_t first = 1 + (bits >> 8) % 222;
  if (first == 10 || first == 127) ++first;
  return fmt::format("{}.{}.{}.{}", first, bits >> 16 & 0xFF, bits >> 24 & 0xFF, 1 + (bits >> 32) % 254);
}

// Small numbers more often than large ones, 0 most.
size_t low(Random& random, size_t limit) {
  return random.below(random.below(limit) + 1);
}

}  // namespace

WebLogLines::WebLogLines(uint64_t seed, int64_t start, int64_t pace_micros)
    : random_(seed), clock_(start), pace_micros_(std::max<int64_t>(pace_micros, 1)), line_(kLongestLine) {
  Random random(seed + 0x5EED);
  make_visitors(random);
  make_pages(random);
  make_referers(random);
}

void WebLogLines::make_visitors(Random& random) {
  const auto browsers = browser_agents();
  const auto bots = bot_agents();
  agents_.assign(browsers.begin(), browsers.end());
  agents_.insert(agents_.end(), bots.begin(), bots.end());
  visitors_.reserve(kVisitors);
  for (size_t i = 0; i < kVisitors; ++i) {
    Visitor visitor;
    const std::string address = address_of(random);
    visitor.bot = random.below(8) == 0;
    const size_t agent = visitor.bot ? browsers.size() + low(random, bots.size()) : low(random, browsers.size());
    visitor.agent = static_cast<uint16_t>(agent);
    const uint64_t draw = random.below(100);
    visitor.protocol = visitor.bot ? (draw < 20 ? 2 : 0) : (draw < 55 ? 1 : draw < 60 ? 3 : 0);
    const uint64_t user = random.below(1000);
    const std::string name = address + " - " +
                             (user < 4   ? "alice"
                              : user < 6 ? "bob smith"
                              : user < 7 ? "ev\\x22il [x] - user"
                                         : "-") +
                             " ";
    visitor.name = static_cast<uint32_t>(names_.size());
    visitor.name_length = static_cast<uint16_t>(name.size());
    names_ += name;
    visitors_.push_back(visitor);
  }
}

void WebLogLines::make_pages(Random& random) {
  pages_.reserve(kPages);
  for (size_t i = 0; i < kPages; ++i) {
    const std::string_view word = kWords[random.below(kWords.size())];
    const std::string_view other = kWords[random.below(kWords.size())];
    Page page;
    const uint64_t kind = random.below(20);
    if (i < kFirstPages.size()) {
      page.uri = kFirstPages[i];
    } else if (kind < 6) {
      page.uri = fmt::format("/blog/{}/{}-{}-{}", 2015 + random.below(11), word, other, i);
    } else if (kind < 10) {
      page.uri = fmt::format("/products/{}/{}-{}", i, word, other);
    } else if (kind < 12) {
      page.uri = fmt::format("/kategorie/%C3%BC{}/{}/", word, i);
    } else if (kind < 13) {
      page.uri = fmt::format("/api/v1/items/{}{}", i, kQueries[random.below(kQueries.size())]);
    } else if (kind < 14) {
      page.uri = fmt::format("/search{}", kQueries[random.below(kQueries.size())]);
    } else if (kind < 15) {
      page.uri = kProbes[random.below(kProbes.size())];
      page.kind = Page::Kind::probe;
    } else {
      page.uri = fmt::format("/{}/{}-{}.{}", kind < 18 ? "img" : "assets", word, i,
                             kind < 17   ? "jpg"
                             : kind < 18 ? "webp"
                                         : "js");
    }
    const bool dotted = page.uri.find_first_of(".?") != std::string::npos && page.uri.find('?') == std::string::npos;
    if (page.uri == "/wp-login.php" || page.uri == "/.env") {
      page.kind = Page::Kind::probe;
    } else if (dotted && page.kind == Page::Kind::page) {
      page.kind = Page::Kind::asset;
    }
    page.bytes =
        static_cast<uint32_t>(300 + random.below(1000) * random.below(page.kind == Page::Kind::page ? 60 : 400));
    page.uri += page.uri.find('?') == std::string::npos ? "?n=" : "&n=";
    pages_.push_back(std::move(page));
  }
  uint64_t sum = 0;
  for (size_t i = 0; i < kPages; ++i) sum += (uint64_t{1} << 32) / (i + 1);
  uint64_t up_to = 0;
  for (size_t i = 0; i < kPages; ++i) {
    up_to += (uint64_t{1} << 32) / (i + 1);
    const size_t draws = std::max(up_to * kPageDraws / sum, static_cast<uint64_t>(page_draws_.size() + 1));
    page_draws_.resize(std::min(draws, kPageDraws), static_cast<uint16_t>(i));
  }
  page_draws_.resize(kPageDraws, 0);
}

void WebLogLines::make_referers(Random& random) {
  for (size_t i = 0; i < kReferers; ++i) {
    if (i % 4 == 3) {
      referers_.emplace_back(kElsewhere[low(random, kElsewhere.size())]);
    } else {
      const std::string& uri = pages_[page_draws_[random.below(kPageDraws)]].uri;
      referers_.push_back("https://www.example.com" + uri.substr(0, uri.size() - 3));
    }
  }
}

void WebLogLines::put(std::string_view text) {
  std::memcpy(line_.data() + line_size_, text.data(), text.size());
  line_size_ += text.size();
}

void WebLogLines::put(uint64_t number) {
  char* const at = line_.data() + line_size_;
  line_size_ += static_cast<size_t>(std::to_chars(at, at + 20, number).ptr - at);
}

void WebLogLines::write_stamp(int64_t second) {
  stamp_second_ = second;
  const int64_t days = floor_div(second, kSecondsPerDay);
  const int64_t of_day = second - days * kSecondsPerDay;
  const Civil civil = civil_from_days(days);
  stamp_ = fmt::format("[{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000]", civil.day, kMonths[civil.month - 1], civil.year,
                       of_day / 3600, of_day / 60 % 60, of_day % 60);
}

void WebLogLines::make_line() {
  const uint64_t bits = random_.next();
  clock_ += static_cast<int64_t>((bits & 0xFFFF) * static_cast<uint64_t>(2 * pace_micros_) >> 16);
  const int64_t second = floor_div(clock_, kMicrosPerSecond);
  if (second != stamp_second_) write_stamp(second);
  const Visitor& visitor = visitors_[low(random_, kVisitors)];
  const Page& page = pages_[page_draws_[bits >> 16 & 0xFFFF]];
  const uint64_t draw = bits >> 32 & 0x3FF;  // of 1024
  const uint64_t odd = bits >> 42 & 0xFFF;   // of 4096

  // What the server answers.
  std::string_view status = "200";
  uint64_t bytes = page.bytes;
  if (page.kind == Page::Kind::probe) {
    status = draw < 920 ? "404" : draw < 990 ? "403" : "400";
    bytes = 153;
  } else if (page.kind == Page::Kind::asset) {
    if (draw < 170) status = "304", bytes = 0;
    if (draw > 1000) status = "206", bytes = bytes / 2 + draw;
  } else {
    if (draw < 30) status = "304", bytes = 0;
    if (draw >= 30 && draw < 60) status = draw < 45 ? "301" : "302", bytes = 169;
    if (draw > 985) status = "404", bytes = 555;
    if (draw > 1010) status = draw > 1020 ? "500" : "502", bytes = 157;
    if (draw > 1000 && draw < 1005) status = "499", bytes = 0;
    if (status == "200") bytes += bits >> 54;
  }
  const uint64_t verb = random_.next();
  std::string_view method = "GET ";
  if ((verb & 0xFF) < 10 && page.kind != Page::Kind::asset) method = "POST ";
  if ((verb & 0xFF) > 250) method = "HEAD ", bytes = 0;
  if ((verb & 0xFFF) == 77) method = "OPTIONS ", status = "204", bytes = 0;
  if ((verb & 0x3FFF) == 88) method = "PROPFIND ", status = "405", bytes = 157;

  line_size_ = 0;
  put(std::string_view(names_).substr(visitor.name, visitor.name_length));
  put(stamp_);
  put(" \"");
  put(method);
  if (odd == 1) put("/not found ");  // a space in the URI
  put(page.uri);
  put(number_);
  put(odd == 2 ? "\" " : kProtocols[visitor.protocol]);  // HTTP/0.9 has no protocol
  put(odd == 1 ? "400" : status);
  put(" ");
  put(bytes);
  put(" \"");
  const uint64_t from = verb >> 16 & 0x3FF;
  put(visitor.bot || from >= 620 ? std::string_view("-") : std::string_view(referers_[from % kReferers]));
  put("\" \"");
  put(agents_[visitor.agent]);
  put("\"\n");
}

void WebLogLines::add(std::string& out) {
  if (in_ten_ == 0) twin_ = 1 + random_.below(9);
  if (in_ten_ != twin_) {
    ++number_;
    make_line();
  }
  in_ten_ = (in_ten_ + 1) % 10;
  out.append(line_.data(), line_size_);
}

}  // namespace leat::app
