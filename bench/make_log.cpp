// Writes an access log in nginx's combined format to measure with: 60,000 addresses, 20,000 paths by Zipf's law, 400
// user agents, three days, about 250 bytes a line. --distinct: every line has an address of its own, and all are of one
// day. The same arguments give the same bytes everywhere. All lines are well formed, so that every program must count
// the same.  make_log LINES [--distinct] > FILE

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"

namespace {

constexpr size_t kAddresses = 60'000;
constexpr size_t kPaths = 20'000;
constexpr size_t kAgents = 400;
constexpr int64_t kFirstSecond = 1'761'955'200;  // 2025-11-01 00:00:00 UTC
constexpr int64_t kSeconds = 3 * 86'400;

// Own random numbers: those of the standard library's distributions differ between libraries.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() { return leat::mix64(state_ += 0x9E3779B97F4A7C15ULL); }
  size_t below(size_t limit) { return next() % limit; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

// Index i with a weight of 1 / (i + 1)^exponent.
class Zipf {
 public:
  Zipf(size_t size, double exponent) {
    double sum = 0;
    for (size_t i = 0; i < size; ++i) up_to_.push_back(sum += std::pow(static_cast<double>(i + 1), -exponent));
  }
  size_t pick(Random& random) const {
    const double at = random.unit() * up_to_.back();
    const auto found = std::upper_bound(up_to_.begin(), up_to_.end(), at);
    return std::min(static_cast<size_t>(found - up_to_.begin()), up_to_.size() - 1);
  }

 private:
  std::vector<double> up_to_;
};

constexpr std::array<std::string_view, 24> kWords{"blog",     "news",    "article",  "product", "category", "images",
                                                  "assets",   "static",  "search",   "archive", "user",     "profile",
                                                  "settings", "docs",    "download", "release", "support",  "forum",
                                                  "thread",   "gallery", "event",    "review",  "summer",   "guide"};
constexpr std::array<std::string_view, 8> kEndings{"", "/", ".html", ".css", ".js", ".png", ".jpg", ".svg"};

std::vector<std::string> make_paths(Random& random) {
  std::vector<std::string> paths{"/"};
  while (paths.size() < kPaths) {
    std::string path;
    for (size_t depth = 1 + random.below(3); depth > 0; --depth) {
      path += fmt::format("/{}-{}", kWords[random.below(kWords.size())], kWords[random.below(kWords.size())]);
    }
    paths.push_back(fmt::format("{}-{}{}", path, paths.size(), kEndings[random.below(kEndings.size())]));
  }
  return paths;
}

std::vector<std::string> make_agents(Random& random) {
  constexpr std::array<std::string_view, 5> kSystems{"Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7",
                                                     "X11; Linux x86_64", "iPhone; CPU iPhone OS 17_5 like Mac OS X",
                                                     "Linux; Android 14; SM-S918B"};
  std::vector<std::string> agents;
  while (agents.size() < kAgents) {
    const std::string_view system = kSystems[random.below(kSystems.size())];
    const size_t version = 80 + agents.size() / 8;
    switch (random.below(10)) {
      case 0:
        agents.push_back(fmt::format(
            "Mozilla/5.0 (compatible; crawler-{0}/2.1; +http://www.crawler-{0}.example/bot.html)", version));
        break;
      case 1:
      case 2:
        agents.push_back(
            fmt::format("Mozilla/5.0 ({}; rv:{}.0) Gecko/20100101 Firefox/{}.0", system, version, version));
        break;
      case 3:
      case 4:
        agents.push_back(
            fmt::format("Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}.{} Mobile/15E148 "
                        "Safari/604.1",
                        system, version / 6, random.below(10)));
        break;
      default:
        agents.push_back(
            fmt::format("Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.{}.{} "
                        "Safari/537.36",
                        system, version, 4000 + random.below(3000), random.below(200)));
    }
  }
  return agents;
}

std::vector<std::string> make_addresses(Random& random) {
  std::vector<std::string> addresses;
  while (addresses.size() < kAddresses) {
    const uint64_t r = random.next();
    if (addresses.size() % 10 == 3) {
      addresses.push_back(fmt::format("2001:db8:{:x}:{:x}::{:x}", r & 0xFFFF, r >> 16 & 0xFFFF, addresses.size()));
    } else {  // different for each: the last two bytes and one bit of the second are its number
      addresses.push_back(
          fmt::format("{}.{}.{}.{}", 11 + r % 180, r >> 16 & 0xFF, addresses.size() >> 8, addresses.size() & 0xFF));
    }
  }
  return addresses;
}

// A different one for each number, in no order: each step can be undone, so no two agree.
std::string address_of(uint32_t number) {
  uint32_t r = number;
  r = (r ^ r >> 16) * 0x85EBCA6BU;
  r = (r ^ r >> 13) * 0xC2B2AE35U;
  r ^= r >> 16;
  if (number % 10 == 3) return fmt::format("2001:db8:{:x}:{:x}::1", r & 0xFFFF, r >> 16);
  return fmt::format("{}.{}.{}.{}", r >> 24, r >> 16 & 0xFF, r >> 8 & 0xFF, r & 0xFF);
}

std::string local_time(int64_t seconds) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const int64_t days = leat::floor_div(seconds, leat::kSecondsPerDay);
  const int64_t rest = seconds - days * leat::kSecondsPerDay;
  const leat::Civil civil = leat::civil_from_days(days);
  return fmt::format("{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000", civil.day, kMonths[civil.month - 1], civil.year,
                     rest / 3600, rest / 60 % 60, rest % 60);
}

struct Status {
  size_t per_thousand;
  std::string_view code;
};
constexpr std::array<Status, 9> kStatuses{
    {{842, "200"}, {8, "206"}, {30, "301"}, {12, "302"}, {55, "304"}, {6, "403"}, {40, "404"}, {4, "500"}, {3, "502"}}};

std::string_view pick_status(Random& random) {
  size_t at = random.below(1000);
  for (const Status& status : kStatuses) {
    if (at < status.per_thousand) return status.code;
    at -= status.per_thousand;
  }
  return "200";
}

class Writer {
 public:
  explicit Writer(bool distinct)
      : distinct_(distinct),
        paths_(make_paths(random_)),
        agents_(make_agents(random_)),
        addresses_(make_addresses(random_)) {}

  bool write(uint64_t lines, FILE* out) {
    fmt::memory_buffer buffer;
    for (uint64_t i = 0; i < lines; ++i) {
      const auto at = static_cast<double>(i) / static_cast<double>(lines);
      const int64_t seconds = distinct_ ? leat::kSecondsPerDay : kSeconds;
      line(i, kFirstSecond + static_cast<int64_t>(at * static_cast<double>(seconds)), buffer);
      if (buffer.size() < (1 << 20) && i + 1 < lines) continue;
      if (std::fwrite(buffer.data(), 1, buffer.size(), out) != buffer.size()) return false;
      buffer.clear();
    }
    return std::fflush(out) == 0;
  }

 private:
  void line(uint64_t number, int64_t second, fmt::memory_buffer& out) {
    if (second != second_) {
      second_ = second;
      time_ = local_time(second);
    }
    const double u = random_.unit();
    const auto visitor = static_cast<size_t>(u * u * static_cast<double>(kAddresses));  // some come more often
    const std::string_view status = pick_status(random_);
    const bool empty = status[0] == '3';
    // A visitor keeps the user agent, but for one request in twenty.
    const size_t agent = random_.below(20) == 0 ? random_.below(kAgents) : leat::mix64(visitor) % kAgents;
    fmt::format_to(std::back_inserter(out), "{} - {} [{}] \"{} {}",
                   distinct_ ? address_of(static_cast<uint32_t>(number)) : addresses_[visitor],
                   random_.below(500) == 0 ? "editor" : "-", time_, random_.below(40) == 0 ? "POST" : "GET",
                   paths_[path_.pick(random_)]);
    if (random_.below(8) == 0) fmt::format_to(std::back_inserter(out), "?page={}&sort=date", random_.below(50));
    fmt::format_to(std::back_inserter(out), " HTTP/{}\" {} {} \"", random_.below(3) == 0 ? "1.1" : "2.0", status,
                   empty ? 0 : 200 + random_.below(60'000));
    const size_t from = random_.below(20);
    if (from < 6) {
      fmt::format_to(std::back_inserter(out), "-");
    } else if (from < 9) {
      fmt::format_to(std::back_inserter(out), "https://www.search-{}.example/", random_.below(5));
    } else {
      fmt::format_to(std::back_inserter(out), "https://www.shop.example{}", paths_[path_.pick(random_)]);
    }
    fmt::format_to(std::back_inserter(out), "\" \"{}\"\n", agents_[agent]);
  }

  const bool distinct_;
  Random random_{1};
  std::vector<std::string> paths_;
  std::vector<std::string> agents_;
  std::vector<std::string> addresses_;
  Zipf path_{kPaths, 1.0};
  int64_t second_ = -1;
  std::string time_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto lines = argc >= 2 ? leat::parse_integer(argv[1]) : std::nullopt;
  const bool distinct = argc == 3 && std::string_view(argv[2]) == "--distinct";
  if (argc > 3 || (argc == 3 && !distinct) || !lines || *lines < 1) {
    fmt::print(stderr, "usage: make_log LINES [--distinct] > FILE\n");
    return 2;
  }
  Writer writer(distinct);
  if (!writer.write(static_cast<uint64_t>(*lines), stdout)) {
    fmt::print(stderr, "make_log: cannot write\n");
    return 1;
  }
  return 0;
}
