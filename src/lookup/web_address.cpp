#include "lookup/web_address.h"

#include <algorithm>
#include <cstring>

namespace leat {
namespace {

// True when `text` begins with `lower`, which is in lower case; letters of `text` may be in either.
bool begins_with(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  for (size_t i = 0; i < lower.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) != lower[i]) return false;
  }
  return true;
}

std::string_view before(std::string_view text, char mark) {
  const void* found = text.empty() ? nullptr : std::memchr(text.data(), mark, text.size());
  return found == nullptr ? text : text.substr(0, static_cast<size_t>(static_cast<const char*>(found) - text.data()));
}

}  // namespace

std::string_view path_of(std::string_view target) {
  const std::string_view whole = before(before(target, '?'), '#');
  if (whole.empty() || whole.front() == '/') return whole;
  size_t host = 0;
  if (begins_with(whole, "http://")) host = 7;
  if (begins_with(whole, "https://")) host = 8;
  if (host == 0) return whole;
  const size_t slash = whole.find('/', host);
  // Without a path it is the root's: the view is of the scheme's last '/'.
  return slash == std::string_view::npos ? whole.substr(host - 1, 1) : whole.substr(slash);
}

std::string_view site_of_referer(std::string_view referer) {
  const size_t scheme = referer.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return {};
  const auto in_scheme = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
  };
  if (!std::all_of(referer.begin(), referer.begin() + static_cast<std::ptrdiff_t>(scheme), in_scheme)) return {};
  std::string_view host = referer.substr(scheme + 3);
  host = host.substr(0, std::min(host.find_first_of("/?#\\"), host.size()));
  if (const size_t user = host.rfind('@'); user != std::string_view::npos) host.remove_prefix(user + 1);
  const size_t port = host.rfind(':');
  if (port != std::string_view::npos && host.find_first_not_of("0123456789", port + 1) == std::string_view::npos) {
    host = host.substr(0, port);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr size_t kWww = 4;
  if (begins_with(host, "www.") && host.find('.', kWww) != std::string_view::npos) host.remove_prefix(kWww);
  return host;
}

}  // namespace leat
