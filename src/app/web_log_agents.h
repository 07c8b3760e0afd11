#pragma once

// User agents as real clients send them, in the form in which nginx logs them. Constants.

#include <span>
#include <string_view>

namespace leat::app {

// The commonest first; without bots.
std::span<const std::string_view> browser_agents();
// Search engines, AI crawlers, link previews, monitors, libraries, scanners, and what sends nothing ("-").
std::span<const std::string_view> bot_agents();

}  // namespace leat::app
