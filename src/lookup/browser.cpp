#include "lookup/browser.h"

#include <algorithm>
#include <array>
#include <span>

namespace leat {
namespace {

constexpr size_t kLongest = 1024;

// Anywhere in the agent, in lower case: what only programs say that no person looks through. Sorted.
constexpr std::array kBotWords = std::to_array<std::string_view>({
    // clang-format off
    " java/", "+http", "-java", "-sdk-", "rival iq", "java-client", "aiohttp", "akregator", "altavista", "apache-http", "apt-http", "archive", "aria2",
    "aws-cli", "aws-sdk", "axios", "bingpreview", "bloglovin", "boardreader", "bot", "bubing", "catchpoint",
    "checklink", "crawl", "curl", "datanyze", "daum", "facebookexternalhit", "faraday", "favicon", "feed", "fetch",
    "findlink", "flipboardproxy", "fluffy", "go-http", "gomez", "google web preview", "google-inspectiontool",
    "google-site-verification", "googleother", "grub-client", "gtmetrix", "guzzle", "headless", "heritrix",
    "holmes", "htdig", "http-client", "http.rb", "http_", "httpclient", "httpie", "httplib", "httpx", "httrack",
    "ia_archiver", "ichiro", "imageproxy", "indexer", "inoreader", "insomnia", "jakarta", "jetty/", "larbin",
    "lftp/", "libfetch", "libwww", "liferea", "lighthouse", "linkcheck", "linkwalker", "lwp-", "masscan",
    "mediapartners", "metadata", "mj12", "monit", "nessus", "netcraft", "netnewswire", "netvibes", "newsblur",
    "newsboat", "newsgator", "nikto", "nmap", "node-fetch", "nutch", "okhttp", "openvas", "page speed", "pagespeed",
    "perl", "phantomjs", "pingdom", "pinger", "postman", "powershell", "probe", "proximic", "ptst/", "puppeteer",
    "pycurl", "python", "qwantify", "requests/", "reqwest", "rss reader", "rssowl", "ruby", "scalaj", "scan",
    "scooter", "scoutjet", "scrap", "screaming frog", "seeker", "selenium", "seo", "site24x7", "sitecheck",
    "sitemap", "slurp", "snoopy", "spider", "sqlmap", "statuscake", "synthetic", "teoma", "theoldreader", "thumb",
    "tiny tiny rss", "tt-rss", "typhoeus", "undici", "unfurl", "uptime", "urlgrabber", "urllib", "validator",
    "voyager", "webcopier", "webpagetest", "websniffer", "webthumb", "webzip", "wget", "whatsapp", "whatweb",
    "winhttp", "wordpress", "xenu", "y!j-", "yahooseeker", "yandeximages", "zgrab", "zyborg",
    // clang-format on
});

// The same at its beginning.
constexpr std::array kBotBeginnings = std::to_array<std::string_view>({
    // clang-format off
    "akka-", "apache", "dalvik/", "dart/", "fasthttp", "go ", "got ", "got/", "hackney/", "hyper/", "java-",
    "java/", "java1.", "jersey", "lua-", "minio", "node", "ocsp", "openssl", "php", "rclone/", "reactornetty",
    "rest-", "restsharp", "rust", "s3", "unirest", "ureq/", "vert.x",
    // clang-format on
});

// Others that call themselves Firefox or MSIE as well, or that say who they are within parentheses; in lower case.
constexpr std::array kOtherBrowsers = std::to_array<std::string_view>({
    // clang-format off
    "360se", "adobeair", "aloha", "aol", "baidu", "basilisk", "bb10", "bingsapphire", "blackberry", "bolt/",
    "brave", "camino", "camoufox", "chromeplus", "chromium gost", "conkeror", "cyberfox", "dolfin", "dolphin",
    "ecosia", "electron", "sailfish", "wolvic", "epiphany", "fb_iab", "fban", "fbav", "flock", "galeon", "gsa/", "hbbtv", "hpwos", "icab", "iceape",
    "icecat", "icedragon", "iceweasel", "instagram", "k-meleon", "kakaotalk", "konqueror", "ladybird", "lightning/",
    "line/", "lunascape", "maxthon", "micromessenger", "midori", "msoffice", "mullvad", "mypal", "navigator/",
    "netcast", "netfront", "netscape", "nintendo", "nokiabrowser", "obigo", "oculusbrowser", "omniweb", "otter",
    "outlook", "pale moon", "palemoon", "pinterest", "playstation", "puffin", "qqbrowser", "qtwebengine",
    "qupzilla", "roblox", "seamonkey", "silk/", "sleipnir", "snapchat", "steam", "swiftfox", "symbian",
    "thunderbird", "twitter", "ucbrowser", "ucweb", "valve client", "waterfox", "webos/", "weibo", "yabrowser",
    // clang-format on
});

// Looks for any of a set of words in one pass. Letters are compared as they are.
class Words {
 public:
  explicit constexpr Words(std::span<const std::string_view> words) : words_(words) {
    for (const std::string_view word : words) begins_[static_cast<unsigned char>(word.front())] = true;
  }
  [[nodiscard]] bool in(std::string_view text) const {
    for (size_t at = 0; at < text.size(); ++at) {
      if (!begins_[static_cast<unsigned char>(text[at])]) continue;
      const std::string_view rest = text.substr(at);
      for (const std::string_view word : words_) {
        if (rest.starts_with(word) && !is_phone(text, at, word)) return true;
      }
    }
    return false;
  }

 private:
  // Cubot makes phones.
  static bool is_phone(std::string_view text, size_t at, std::string_view word) {
    return word == "bot" && at >= 2 && text.substr(at - 2, 2) == "cu";
  }
  std::span<const std::string_view> words_;
  std::array<bool, 256> begins_{};
};

constexpr Words kBots{kBotWords};
constexpr Words kOthers{kOtherBrowsers};

constexpr bool has(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}
template <size_t n>
bool has_any(std::string_view text, const std::array<std::string_view, n>& words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return has(text, word); });
}

constexpr std::array kEdge = std::to_array<std::string_view>({"Edg/", "Edge/", "EdgA/", "EdgiOS/", "EdgW/"});
constexpr std::array kOpera =
    std::to_array<std::string_view>({"OPR/", "OPiOS/", "OPT/", "OPX/", "Opera/", "Opera ", "(Opera)", "Coast/"});
constexpr std::array kIe = std::to_array<std::string_view>({"MSIE ", "Trident/", "IEMobile/"});
constexpr std::array kFirefox =
    std::to_array<std::string_view>({"Firefox/", "Firefox-", "FxiOS/", "Focus/", "Klar/", "Shiretoko/", "Minefield/",
                                     "Namoroka/", "MozillaDeveloperPreview/"});
constexpr std::array kChrome = std::to_array<std::string_view>({"Chrome/", "CriOS/", "Chromium/", "CrMo/"});
constexpr std::array kApple = std::to_array<std::string_view>({"Macintosh", "iPhone", "iPad", "iPod", "Windows NT"});

bool is_bot(std::string_view lower) {
  if (kBots.in(lower)) return true;
  for (const std::string_view word : kBotBeginnings) {
    if (lower.starts_with(word)) return true;
  }
  return false;
}

// What Chrome and Safari put outside of parentheses, and what systems and device managers add to it. Whoever builds a
// browser or an app upon them adds a name of his own.
constexpr std::array kPlainProducts = std::to_array<std::string_view>(
    {"Mozilla",        "AppleWebKit", "Chrome", "Chromium", "CriOS",    "CrMo",   "Version", "Mobile", "Safari",
     "ManagedBrowser", "AppleNews",   "Ubuntu", "Debian",   "Raspbian", "Fedora", "Linux",   "Built",  "on",
     "running",        "Large",       "Screen", "like",     "Gecko"});

bool has_other_product(std::string_view agent) {
  size_t depth = 0;
  for (size_t at = 0; at < agent.size();) {
    const char c = agent[at];
    if (c == '(') ++depth;
    if (c == ')' && depth > 0) --depth;
    const size_t end = std::min(agent.find_first_of(" +()/;", at), agent.size());
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (depth == 0 && letter) {
      const std::string_view name = agent.substr(at, end - at);
      if (std::find(kPlainProducts.begin(), kPlainProducts.end(), name) == kPlainProducts.end()) return true;
    }
    // A version goes with its name.
    at = std::max(at + 1, end < agent.size() && agent[end] == '/' && letter
                              ? std::min(agent.find_first_of(" +()", end), agent.size())
                              : end);
  }
  return false;
}

bool is_safari(std::string_view agent) {
  // Safari fetches pictures of its favourites with an agent of this kind.
  if (agent.starts_with("Safari/")) return true;
  if (!has(agent, "AppleWebKit/") || has(agent, "Android") || !has_any(agent, kApple)) return false;
  // Pages within apps of an iPhone or iPad come from Safari's engine and say no more than this.
  return (has(agent, "Safari") || has(agent, "Mobile") || has(agent, "AppleNews/")) && !has_other_product(agent);
}

}  // namespace

Browser browser_of(std::string_view user_agent) {
  const std::string_view agent = user_agent.substr(0, kLongest);
  std::array<char, kLongest> folded;
  std::transform(agent.begin(), agent.end(), folded.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  const std::string_view lower(folded.data(), agent.size());
  if (is_bot(lower)) return Browser::bot;
  if (has_any(agent, kEdge)) return Browser::edge;
  if (has_any(agent, kOpera)) return Browser::opera;
  if (kOthers.in(lower)) return Browser::other;
  if (has(agent, "SamsungBrowser/")) return Browser::samsung_internet;
  if (has_any(agent, kIe)) return Browser::ie;
  if (has_any(agent, kFirefox)) return Browser::firefox;
  if (has_any(agent, kChrome)) return has_other_product(agent) ? Browser::other : Browser::chrome;
  return is_safari(agent) ? Browser::safari : Browser::other;
}

std::string_view browser_name(Browser browser) {
  constexpr std::array<std::string_view, kBrowsers> kNames{"Chrome",           "Firefox", "Safari", "Edge", "Opera",
                                                           "Samsung Internet", "IE",      "Bot",    "Other"};
  return kNames[static_cast<size_t>(browser)];
}

}  // namespace leat
