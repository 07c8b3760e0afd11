#include "server/access.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace leat {
namespace {

struct Weighed {
  std::string_view name;
  double weight = 1;
};

// "a;q=0.5, b" as its parts.
std::vector<Weighed> weighed(std::string_view list) {
  std::vector<Weighed> all;
  for (const std::string_view item : split(list, ',')) {
    const std::vector<std::string_view> pieces = split(item, ';');
    Weighed one{trim(pieces[0]), 1};
    for (size_t i = 1; i < pieces.size(); ++i) {
      const std::string_view piece = trim(pieces[i]);
      if (piece.size() < 3 || (piece[0] != 'q' && piece[0] != 'Q') || piece[1] != '=') continue;
      const auto [end, error] = std::from_chars(piece.data() + 2, piece.data() + piece.size(), one.weight);
      if (error != std::errc()) one.weight = 0;
    }
    if (!one.name.empty()) all.push_back(one);
  }
  return all;
}

// 0: does not match; larger: more exactly.
int match(std::string_view range, std::string_view media_type) {
  if (same_ignoring_case(range, media_type)) return 3;
  const std::string_view kind = media_type.substr(0, media_type.find('/') + 1);
  if (range.size() == kind.size() + 1 && range.ends_with('*') &&
      same_ignoring_case(range.substr(0, kind.size()), kind)) {
    return 2;
  }
  return range == "*/*" ? 1 : 0;
}

}  // namespace

std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

bool is_host_allowed(const HttpRequest& request, const std::vector<std::string>& hosts) {
  const auto is_host = [](const auto& header) { return same_ignoring_case(header.first, "Host"); };
  if (std::count_if(request.headers.begin(), request.headers.end(), is_host) != 1) return false;
  const std::string_view name = host_name(request.header("Host"));
  if (name.empty()) return false;
  if (same_ignoring_case(name, "localhost") || name == request.local_address) return true;
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const std::string& host) { return same_ignoring_case(name, host); });
}

bool is_origin_allowed(const HttpRequest& request, const std::vector<std::string>& origins) {
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return true;
  const std::string_view scheme = request.tls ? "https://" : "http://";
  if (same_ignoring_case(origin, std::string(scheme).append(request.header("Host")))) return true;
  return std::find(origins.begin(), origins.end(), origin) != origins.end();
}

bool has_token(const HttpRequest& request, std::string_view token) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view given = request.header("Authorization");
  if (given.size() != kBearer.size() + token.size() || !same_ignoring_case(given.substr(0, kBearer.size()), kBearer)) {
    return false;
  }
  unsigned different = 0;
  for (size_t i = 0; i < token.size(); ++i) {
    different |= static_cast<unsigned char>(given[kBearer.size() + i]) ^ static_cast<unsigned char>(token[i]);
  }
  return different == 0;
}

std::optional<RowFormat> accepted_format(std::string_view accept) {
  const std::vector<Weighed> ranges = weighed(accept);
  if (ranges.empty()) return RowFormat::json;
  std::optional<RowFormat> best;
  double best_weight = 0;
  for (const RowFormatName& known : row_formats()) {
    const std::string_view media_type = known.media_type.substr(0, known.media_type.find(';'));
    int exactness = 0;
    double weight = 0;
    for (const Weighed& range : ranges) {
      // Browsers prefer XML to what they do not know, and show JSON better.
      if (same_ignoring_case(range.name, "text/html")) return RowFormat::json;
      const bool is_text_xml = known.format == RowFormat::xml && same_ignoring_case(range.name, "text/xml");
      const int found = is_text_xml ? 3 : match(range.name, media_type);
      if (found <= exactness) continue;
      exactness = found;
      weight = range.weight;
    }
    if (weight <= best_weight) continue;
    best = known.format;
    best_weight = weight;
  }
  return best;
}

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  for (const Weighed& one : weighed(accept_encoding)) {
    if (same_ignoring_case(one.name, "gzip")) return one.weight > 0;
    if (one.name == "*") any = one.weight > 0;
  }
  return any;
}

bool names_etag(std::string_view if_none_match, std::string_view etag) {
  for (std::string_view one : split(if_none_match, ',')) {
    one = trim(one);
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag) return true;
  }
  return false;
}

}  // namespace leat
