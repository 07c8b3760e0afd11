#pragma once

// Which browser a request's User-Agent speaks of (docs/formats/aggregates.md, "browser(x)"). Pure functions; any
// thread.
//
// An ordered scan for literals, no regular expressions: what programs say of themselves first, then what only one
// browser says (Edg/, OPR/, SamsungBrowser/), then what others imitate (Firefox/, Chrome/, Safari/).

#include <cstdint>
#include <string_view>

namespace leat {

// In the order of browser_name(); stored nowhere.
enum class Browser : uint8_t { chrome, firefox, safari, edge, opera, samsung_internet, ie, bot, other };
constexpr uint8_t kBrowsers = 9;

// Of the first 1,024 bytes; empty or "-": other.
Browser browser_of(std::string_view user_agent);

// "Chrome", "Samsung Internet", "Bot", "Other" …
std::string_view browser_name(Browser browser);

}  // namespace leat
