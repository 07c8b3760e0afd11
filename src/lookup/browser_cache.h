#pragma once

// Remembers which browser a User-Agent is: a log has few different agents, so each is classified about once, however
// many rows there are. Two agents with one hash would be taken for one: for a million different agents a chance below
// 10^-9. Bounded: 8,192 agents, in sets of four of which the one not seen for longest gives way. One
// thread.

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/hash.h"
#include "lookup/browser.h"

namespace leat {

class BrowserCache {
 public:
  // `seed` keeps whoever writes the log from choosing agents that push each other out.
  explicit BrowserCache(uint64_t seed, Browser (*classify)(std::string_view) = browser_of)
      : seed_(seed), classify_(classify), sets_(std::make_unique<Sets>()) {}

  Browser of(std::string_view agent) {
    const uint64_t hash = hash64(agent, seed_);
    Set& set = (*sets_)[hash % kSets];
    if (set.known[0] && set.hashes[0] == hash) return set.browsers[0];
    return look_further(set, hash, agent);
  }

 private:
  static constexpr size_t kSets = 2048;
  static constexpr size_t kWays = 4;
  struct Set {
    std::array<uint64_t, kWays> hashes{};  // seen last first
    std::array<Browser, kWays> browsers{};
    std::array<bool, kWays> known{};
  };
  using Sets = std::array<Set, kSets>;

  Browser look_further(Set& set, uint64_t hash, std::string_view agent);

  uint64_t seed_;
  Browser (*classify_)(std::string_view);
  std::unique_ptr<Sets> sets_;
};

}  // namespace leat
