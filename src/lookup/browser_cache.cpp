#include "lookup/browser_cache.h"

#include <algorithm>

namespace leat {

Browser BrowserCache::look_further(Set& set, uint64_t hash, std::string_view agent) {
  size_t at = 1;
  while (at < kWays && !(set.known[at] && set.hashes[at] == hash)) ++at;
  const Browser browser = at < kWays ? set.browsers[at] : classify_(agent);
  const auto last = static_cast<std::ptrdiff_t>(std::min(at, kWays - 1));
  std::rotate(set.hashes.begin(), set.hashes.begin() + last, set.hashes.begin() + last + 1);
  std::rotate(set.browsers.begin(), set.browsers.begin() + last, set.browsers.begin() + last + 1);
  std::rotate(set.known.begin(), set.known.begin() + last, set.known.begin() + last + 1);
  set.hashes[0] = hash;
  set.browsers[0] = browser;
  set.known[0] = true;
  return browser;
}

}  // namespace leat
