#include "lookup/browser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>
#include <vector>

namespace leat {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGooglebotPhone =
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/125.0.6422.60 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

// Labelled by hand.
const std::vector<std::pair<std::string, Browser>> kLabelled = {
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
     Browser::chrome},
    {"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
     Browser::chrome},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1",
     Browser::chrome},
    {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/71.0.3578.98 "
     "Chrome/71.0.3578.98 Safari/537.36",
     Browser::chrome},
    {"Mozilla/5.0 (Linux; Android 9; CUBOT_POWER) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0.4664.45 Mobile "
     "Safari/537.36",
     Browser::chrome},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0", Browser::firefox},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 14_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0 "
     "Mobile/15E148 Safari/605.1.15",
     Browser::firefox},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
     "Safari/605.1.15",
     Browser::safari},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
     "Mobile/15E148 Safari/604.1",
     Browser::safari},
    {"Mozilla/5.0+(iPhone;+CPU+iPhone+OS+9_3_1+like+Mac+OS+X)+AppleWebKit/601.1.46+(KHTML,+like+Gecko)+Version/9.0+"
     "Mobile/13E238+Safari/601.1",
     Browser::safari},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 "
     "Edg/125.0.2535.92",
     Browser::edge},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 "
     "Safari/537.36 Edge/18.17763",
     Browser::edge},
    {"Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.6422.165 Mobile "
     "Safari/537.36 EdgA/125.0.2535.72",
     Browser::edge},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 "
     "EdgiOS/125.2535.96 Mobile/15E148 Safari/605.1.15",
     Browser::edge},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 "
     "OPR/111.0.0.0",
     Browser::opera},
    {"Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18", Browser::opera},
    {"Opera/9.80 (Android; Opera Mini/7.6.35766/35.5706; U; en) Presto/2.8.119 Version/11.10", Browser::opera},
    {"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; en) Opera 8.50", Browser::opera},
    {"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 "
     "Chrome/121.0.0.0 Mobile Safari/537.36",
     Browser::samsung_internet},
    {"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", Browser::ie},
    {"Mozilla/5.0 (Windows NT 6.1; Win64; x64; Trident/7.0; rv:11.0) like Gecko/20100101 Firefox/12.0", Browser::ie},
    {"Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)", Browser::ie},
    {"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Browser::bot},
    {kGooglebotPhone, Browser::bot},
    {"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", Browser::bot},
    {"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) "
     "Chrome/116.0.1938.76 Safari/537.36",
     Browser::bot},
    {"Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; "
     "Bytespider; spider-feedback@bytedance.com)",
     Browser::bot},
    {"Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", Browser::bot},
    {"Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)", Browser::bot},
    {"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", Browser::bot},
    {"curl/8.5.0", Browser::bot},
    {"Wget/1.21.4", Browser::bot},
    {"python-requests/2.32.3", Browser::bot},
    {"Python/3.11 aiohttp/3.9.5", Browser::bot},
    {"Go-http-client/2.0", Browser::bot},
    {"okhttp/4.12.0", Browser::bot},
    {"Java/17.0.11", Browser::bot},
    {"Apache-HttpClient/4.5.14 (Java/17.0.11)", Browser::bot},
    {"axios/1.7.2", Browser::bot},
    {"libwww-perl/6.72", Browser::bot},
    {"Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 (KHTML, like Gecko) PingdomTMS/0.8.5 Safari/534.34",
     Browser::bot},
    {"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/61.0.3163.100 Safari/537.36 "
     "PingdomPageSpeed/1.0 (pingbot/2.0; +http://www.pingdom.com/)",
     Browser::bot},
    {"Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", Browser::bot},
    {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/125.0.0.0 Safari/537.36",
     Browser::bot},
    {"UniversalFeedParser/5.2.1 +https://code.google.com/p/feedparser/", Browser::bot},
    {"Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)", Browser::bot},
    {"Tiny Tiny RSS/21.01 (http://tt-rss.org/)", Browser::bot},
    {"NetNewsWire (RSS Reader; https://netnewswire.com/)", Browser::bot},
    {"masscan/1.3 (https://github.com/robertdavidgraham/masscan)", Browser::bot},
    {"", Browser::other},
    {"-", Browser::other},
    {"Mozilla/5.0", Browser::other},
    {"() { :;}; /bin/true", Browser::other},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 "
     "Vivaldi/6.7.3329.35",
     Browser::other},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 "
     "YaBrowser/24.4.0.0 Safari/537.36",
     Browser::other},
    {"Mozilla/5.0 (Linux; Android 13; 22071212AG; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
     "Chrome/125.0.6422.165 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/466.0.0.0.0;]",
     Browser::other},
    {"Mozilla/5.0 (X11; Linux x86_64; rv:60.9) Gecko/20100101 Goanna/4.4 Firefox/60.9 PaleMoon/28.8.0", Browser::other},
    {"Mozilla/5.0 (Linux; U; Android 4.0.3; ko-kr) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile "
     "Safari/534.30",
     Browser::other},
};

TEST(Browser, LabelledByHand) {
  for (const auto& [agent, browser] : kLabelled) {
    EXPECT_EQ(browser_name(browser_of(agent)), browser_name(browser)) << agent;
  }
}

TEST(Browser, NamesAreThoseOfTheDocumentation) {
  constexpr std::array<std::string_view, kBrowsers> kNames{"Chrome",           "Firefox", "Safari", "Edge", "Opera",
                                                           "Samsung Internet", "IE",      "Bot",    "Other"};
  for (uint8_t i = 0; i < kBrowsers; ++i) EXPECT_EQ(browser_name(static_cast<Browser>(i)), kNames[i]);
}

TEST(Browser, AnyBytesAndAnyLength) {
  EXPECT_EQ(browser_of(std::string(100'000, 'x')), Browser::other);
  EXPECT_EQ(browser_of(std::string(1021, ' ') + "curl/8"), Browser::other) << "only the first 1,024 bytes count";
  EXPECT_EQ(browser_of(std::string(1000, ' ') + "curl/8"), Browser::bot);
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(browser_of(all), Browser::other);
  for (size_t length = 0; length < 200; ++length) {  // no prefix is looked at beyond its end
    const std::string part = std::string(kGooglebotPhone).substr(0, length);
    browser_of(std::string_view(std::vector<char>(part.begin(), part.end()).data(), part.size()));
  }
}

// The families of uap-core's test_ua.yaml and firefox_user_agent_strings.yaml ($LEAT_SHARED_DATA/user-agents, or
// ../shared/data beside the checkout) that are one of our browsers.
const std::map<std::string, Browser> kFamilies = {
    {"Chrome", Browser::chrome},
    {"Chrome Mobile", Browser::chrome},
    {"Chrome Mobile iOS", Browser::chrome},
    {"Chrome Mobile WebView", Browser::chrome},
    {"Chromium", Browser::chrome},
    {"Firefox", Browser::firefox},
    {"Firefox Mobile", Browser::firefox},
    {"Firefox iOS", Browser::firefox},
    {"Firefox Alpha", Browser::firefox},
    {"Firefox Beta", Browser::firefox},
    {"Firefox (Shiretoko)", Browser::firefox},
    {"Firefox (Minefield)", Browser::firefox},
    {"Firefox (Namoroka)", Browser::firefox},
    {"MozillaDeveloperPreview", Browser::firefox},
    {"Safari", Browser::safari},
    {"Mobile Safari", Browser::safari},
    {"Mobile Safari UI/WKWebView", Browser::safari},
    {"WebKit Nightly", Browser::safari},
    {"Edge", Browser::edge},
    {"Edge Mobile", Browser::edge},
    {"Opera", Browser::opera},
    {"Opera Mobile", Browser::opera},
    {"Opera Mini", Browser::opera},
    {"Opera Tablet", Browser::opera},
    {"Opera Touch", Browser::opera},
    {"Opera GX", Browser::opera},
    {"Opera Neon", Browser::opera},
    {"Opera Coast", Browser::opera},
    {"Samsung Internet", Browser::samsung_internet},
    {"IE", Browser::ie},
    {"IE Mobile", Browser::ie},
    {"IE Large Screen", Browser::ie},
    {"Chrome Frame", Browser::ie},
};

// What stands behind `key:` in a line of these files: bare, in '…' ('' is one ') or in "…".
bool value_in(const std::string& line, const std::string& key, std::string& value) {
  const size_t at = line.find(key + ": ");
  if (at == std::string::npos) return false;
  value = line.substr(at + key.size() + 2);
  if (value.size() < 2 || (value.front() != '\'' && value.front() != '"')) return true;
  const bool single = value.front() == '\'';
  value = value.substr(1, value.rfind(single ? '\'' : '"') - 1);
  for (size_t i = 0; single && (i = value.find("''", i)) != std::string::npos; ++i) value.erase(i, 1);
  return true;
}

struct Agreement {
  int agents = 0;
  int agree = 0;
  [[nodiscard]] double share() const { return agents == 0 ? 1 : static_cast<double>(agree) / agents; }
};

TEST(Browser, AgreesWithUapCoresTests) {
  const char* named = std::getenv("LEAT_SHARED_DATA");
  const fs::path data =
      (named != nullptr ? fs::path(named) : fs::path(__FILE__).parent_path() / ".." / ".." / ".." / "shared" / "data") /
      "user-agents";
  if (!fs::is_directory(data)) {
    const char* ci = std::getenv("CI");
    ASSERT_FALSE(ci != nullptr && std::string_view(ci) == "true") << "no user agents in " << data;
    GTEST_SKIP() << "no user agents in " << data;
  }
  std::map<std::string, Agreement> classes;  // by the name of our browser; "others": families that are none of ours
  Agreement mapped;
  std::string disagreements;
  for (const char* name : {"test_ua.yaml", "firefox_user_agent_strings.yaml"}) {
    std::ifstream file(data / name);
    std::string agent;
    for (std::string line, value; std::getline(file, line);) {
      if (value_in(line, "user_agent_string", value)) agent = value;
      if (!value_in(line, "family", value)) continue;
      const Browser found = browser_of(agent);
      const auto family = kFamilies.find(value);
      const bool ours = family != kFamilies.end();
      const bool agree = ours ? found == family->second : found == Browser::other || found == Browser::bot;
      Agreement& of_class = classes[ours ? std::string(browser_name(family->second)) : "others"];
      for (Agreement* sum : {&of_class, ours ? &mapped : nullptr}) {
        if (sum == nullptr) continue;
        ++sum->agents;
        sum->agree += agree ? 1 : 0;
      }
      if (!agree) disagreements += fmt::format("{} for {}: {}\n", browser_name(found), value, agent);
    }
  }
  for (const auto& [name, sum] : classes) {
    fmt::print("{:<17} {:>5} of {:>5} agree\n", name, sum.agree, sum.agents);
    EXPECT_GE(sum.share(), 0.9) << name;
  }
  fmt::print("{}", disagreements);
  EXPECT_GE(mapped.agents, 300) << "the files were not understood";
  EXPECT_GE(mapped.share(), 0.985);
  EXPECT_GE(classes["others"].share(), 0.985) << "what is none of these browsers was called one";
}

}  // namespace
}  // namespace leat
