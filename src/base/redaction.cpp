#include "base/redaction.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace leat {
namespace {

constexpr std::string_view kStars = "***";
constexpr size_t kShortestSecret = 4;

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// The character that "%41" at the beginning of `text` stands for.
std::optional<char> percent_decoded(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return std::nullopt;
  const auto high = hex_digit(text[1]);
  const auto low = hex_digit(text[2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

// How many bytes of `text` spell `secret`, as it is or with characters of it encoded; 0: it does not begin with it.
size_t spelled(std::string_view text, std::string_view secret) {
  if (text.starts_with(secret)) return secret.size();
  size_t at = 0;
  for (const char c : secret) {
    if (at == text.size()) return 0;
    if (percent_decoded(text.substr(at)) == c) {
      at += 3;
    } else if (text[at] == c || (c == ' ' && text[at] == '+')) {
      ++at;
    } else {
      return 0;
    }
  }
  return at;
}

}  // namespace

bool is_secret_name(std::string_view name) {
  constexpr std::array<std::string_view, 30> kNames{
      "access_key", "access_token",  "api_key",     "api_token",     "apikey",        "auth",
      "auth_token", "authorization", "bearer",      "client_secret", "code",          "cookie",
      "id_token",   "jwt",           "key",         "passwd",        "password",      "proxy_authorization",
      "pwd",        "refresh_token", "secret",      "secret_key",    "session_token", "set_cookie",
      "sig",        "signature",     "sslpassword", "token",         "x_api_key",     "x_auth_token"};
  std::string plain;
  for (size_t at = 0; at < name.size();) {
    const auto decoded = percent_decoded(name.substr(at));
    const char c = decoded.value_or(name[at]);
    at += decoded ? 3 : 1;
    plain += c == '-' ? '_' : c;
  }
  return plain.starts_with("X_Amz_S") || plain.starts_with("X_Amz_C") ||  // Signature, Security_Token, Credential
         std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view known) { return equal_ignoring_case(plain, known); });
}

std::string redacted(std::string_view text, std::span<const std::string> secrets) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t longest = 0;
    for (const std::string& secret : secrets) {
      if (secret.size() >= kShortestSecret) longest = std::max(longest, spelled(text.substr(at), secret));
    }
    if (longest > 0) {
      out += kStars;
      at += longest;
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string shown_url(std::string_view url, std::span<const std::string> secrets) {
  std::string out;
  if (const size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    out = url.substr(0, scheme + 3);
    url.remove_prefix(scheme + 3);
    const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
    if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
      out += kStars;
      url.remove_prefix(at);
    }
  }
  const size_t query = url.find_first_of("?#");  // some put secrets behind '#'
  out += url.substr(0, query);
  for (size_t at = query; at < url.size();) {
    const size_t end = std::min(url.find_first_of("?#&;", at + 1), url.size());
    const std::string_view parameter = url.substr(at + 1, end - at - 1);
    const size_t equals = parameter.find('=');
    out += url[at];
    if (equals != std::string_view::npos && equals + 1 < parameter.size() &&
        is_secret_name(parameter.substr(0, equals))) {
      out += parameter.substr(0, equals + 1);
      out += kStars;
    } else {
      out += parameter;
    }
    at = end;
  }
  return redacted(out, secrets);
}

namespace {

// `text` with '*' for each character from `from` to `to`.
void mask(std::string& text, size_t from, size_t to) {
  std::string stars;
  for (size_t at = from; at < to; at += std::max<size_t>(1, utf8_sequence(std::string_view(text).substr(at)))) {
    stars += '*';
  }
  text.replace(from, to - from, stars);
}

bool is_reference(std::string_view text) {
  return text.find("${") != std::string_view::npos;
}

void mask_passwords_of_urls(std::string& line) {
  for (size_t at = line.find("://"); at != std::string::npos; at = line.find("://", at + 1)) {
    const size_t begin = at + 3;
    const size_t end = std::min(line.find_first_of("/?# \t\"'", begin), line.size());
    const size_t host = line.rfind('@', end == 0 ? 0 : end - 1);
    if (host == std::string::npos || host < begin) continue;
    const size_t colon = line.find(':', begin);
    if (colon < host && !is_reference(std::string_view(line).substr(colon, host - colon))) mask(line, colon + 1, host);
  }
}

void mask_values_of_secrets(std::string& line) {
  for (size_t equals = line.find('='); equals != std::string::npos; equals = line.find('=', equals + 1)) {
    const size_t last = line.find_last_not_of(" \t\"'", equals == 0 ? 0 : equals - 1);
    if (last == std::string::npos || last >= equals) continue;
    const size_t before = line.find_last_of(" \t\"',{.&?", last);
    const std::string name = line.substr(before == std::string::npos ? 0 : before + 1, last - (before + 1) + 1);
    const size_t open = line.find_first_not_of(" \t", equals + 1);
    // A key of a table, or a file with a key, is no secret.
    if (open == std::string::npos || !is_secret_name(name) || equal_ignoring_case(name, "key")) continue;
    const char quote = line[open];
    if (quote != '"' && quote != '\'') continue;
    const size_t close = std::min(line.find(quote, open + 1), line.size());
    if (!is_reference(std::string_view(line).substr(open, close - open))) mask(line, open + 1, close);
  }
}

}  // namespace

std::string shown_line(std::string_view line) {
  std::string shown(line);
  mask_passwords_of_urls(shown);
  mask_values_of_secrets(shown);
  return shown;
}

}  // namespace leat
