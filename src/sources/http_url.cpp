#include "sources/http_url.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/percent.h"
#include "base/text.h"

namespace leat {
namespace {

struct Parts {
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  std::string_view query;  // with its '?'
};

bool is_scheme(std::string_view text) {
  const auto fits = [](char c) {
    const int lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  };
  return !text.empty() && (text.front() < '0' || text.front() > '9') && std::all_of(text.begin(), text.end(), fits);
}

// `text` is a URL or a reference, without a fragment.
Parts parts_of(std::string_view text) {
  Parts parts;
  if (const size_t colon = text.find_first_of(":/?");
      colon != std::string_view::npos && text[colon] == ':' && is_scheme(text.substr(0, colon))) {
    parts.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    const size_t end = std::min(text.find_first_of("/?", 2), text.size());
    parts.authority = text.substr(2, end - 2);
    text.remove_prefix(end);
  }
  const size_t question = std::min(text.find('?'), text.size());
  parts.path = text.substr(0, question);
  parts.query = text.substr(question);
  return parts;
}

// RFC 3986 §5.2.4.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, slash);  // with the '/' before it
    path.remove_prefix(slash);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") out.erase(std::min(out.rfind('/'), out.size()));
      if (path.empty()) out += '/';
    } else {
      out += segment;
    }
  }
  return out;
}

// Where the parameter stands in `url`: `=VALUE` of it, maybe empty; nothing: it is not there.
std::optional<std::string_view> find_parameter(std::string_view url, std::string_view name) {
  const size_t question = url.find('?');
  if (question == std::string_view::npos) return std::nullopt;
  for (const std::string_view piece : split(url.substr(question + 1), '&')) {
    const size_t equals = std::min(piece.find('='), piece.size());
    if (percent_decoded(piece.substr(0, equals)) == name) return piece.substr(equals);
  }
  return std::nullopt;
}

}  // namespace

std::string origin_of(std::string_view url) {
  const Parts parts = parts_of(url);
  const std::string scheme = lower_case(parts.scheme);
  if (scheme != "http" && scheme != "https") return "";
  std::string_view host = parts.authority;
  if (host.empty() || host.find_first_of("@\\") != std::string_view::npos) return "";
  std::string_view port = scheme == "https" ? "443" : "80";
  const size_t after_address = host.starts_with('[') ? host.find(']') : 0;
  if (after_address == std::string_view::npos) return "";
  if (const size_t colon = host.find(':', after_address); colon != std::string_view::npos) {
    if (colon + 1 < host.size()) port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  const auto number = parse_integer(port);
  if (host.empty() || !number || *number < 1 || *number > 65535) return "";
  return fmt::format("{}://{}:{}", scheme, lower_case(host), *number);
}

Result<std::string> resolve_url(std::string_view base, std::string_view reference) {
  reference = trim(reference);
  reference = reference.substr(0, reference.find('#'));
  const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7F'; };
  if (std::any_of(reference.begin(), reference.end(), is_bad)) {
    return Status::bad_data(
        fmt::format("{} is not a URL: it has spaces or control characters in it", quoted(reference)));
  }
  const Parts from = parts_of(base);
  const Parts to = parts_of(reference);
  std::string url;
  if (!to.scheme.empty()) {
    url = reference;
  } else if (reference.starts_with("//")) {
    url = fmt::format("{}:{}", from.scheme, reference);
  } else {
    std::string path(from.path);
    if (to.path.starts_with('/')) {
      path = to.path;
    } else if (!to.path.empty()) {
      path = fmt::format("{}/{}", from.path.substr(0, std::min(from.path.rfind('/'), from.path.size())), to.path);
    }
    const std::string_view query = to.path.empty() && to.query.empty() ? from.query : to.query;
    url = fmt::format("{}://{}{}{}", from.scheme, from.authority, without_dots(path), query);
  }
  if (origin_of(url).empty()) {
    return Status::bad_data(
        fmt::format("{} is not a URL of http or https without user and password", quoted(reference)));
  }
  return url;
}

std::string with_parameter(std::string_view url, std::string_view name, std::string_view value) {
  const std::string coded = percent_encoded(value);
  if (const auto found = find_parameter(url, name)) {
    const size_t at = static_cast<size_t>(found->data() - url.data());
    return fmt::format("{}={}{}", url.substr(0, at), coded, url.substr(at + found->size()));
  }
  const size_t question = url.find('?');
  std::string_view separator = "&";
  if (question == std::string_view::npos) {
    separator = "?";
  } else if (url.ends_with('?') || url.ends_with('&')) {
    separator = "";
  }
  return fmt::format("{}{}{}={}", url, separator, percent_encoded(name), coded);
}

std::optional<std::string> parameter_of(std::string_view url, std::string_view name) {
  auto found = find_parameter(url, name);
  if (!found) return std::nullopt;
  if (!found->empty()) found->remove_prefix(1);
  std::string value(*found);
  std::replace(value.begin(), value.end(), '+', ' ');
  return percent_decoded(value);
}

}  // namespace leat
