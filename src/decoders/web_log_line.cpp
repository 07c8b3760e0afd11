#include "decoders/web_log_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "decoders/scan.h"

namespace leat {
namespace {

constexpr size_t kTimeToQuote = kLogTimeSize + 4;  // ` [`, the time, `] `: what stands before the request's quote

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

LogField field(const char* begin, const char* end, bool plain) {
  return {{begin, static_cast<size_t>(end - begin)}, end - begin == 1 && *begin == '-', plain};
}

bool looks_like_address(std::string_view word) {
  return word.find(':') != std::string_view::npos ||
         std::all_of(word.begin(), word.end(), [](char c) { return is_digit(c) || c == '.'; });
}

// A uri can stand without a protocol only where nothing else could be meant.
bool is_lone_uri(std::string_view text) {
  return (text.starts_with('/') || text.starts_with("http://") || text.starts_with("https://")) &&
         text.find(' ') == std::string_view::npos;
}

}  // namespace

void split_request(WebLogLine& out) {
  constexpr size_t kLongestMethod = 32;
  const std::string_view text = out.request.text;
  size_t method = 0;
  while (method < text.size() && (is_letter(text[method]) || text[method] == '-' || text[method] == '_')) ++method;
  if (method == 0 || method > kLongestMethod || method == text.size() || text[method] != ' ') return;
  std::string_view uri = text.substr(method + 1);
  std::string_view protocol;
  size_t space = uri.size() > 9 ? uri.size() - 9 : 0;  // "/ HTTP/1.1" ends with 9 bytes that hold one space, mostly
  if (space == 0 || uri[space] != ' ' || uri.find(' ', space + 1) != std::string_view::npos) space = uri.rfind(' ');
  constexpr std::string_view kHttp = "HTTP/";
  if (space != std::string_view::npos && uri.size() > space + 1 + kHttp.size() &&
      uri.compare(space + 1, kHttp.size(), kHttp) == 0) {
    protocol = uri.substr(space + 1);
    uri = uri.substr(0, space);
    if (uri.empty() || uri.front() == ' ' || uri.back() == ' ') return;
  } else if (!is_lone_uri(uri)) {
    return;
  }
  const bool plain = out.request.plain;
  out.method = {text.substr(0, method), false, true};
  out.uri = {uri, false, plain};
  out.protocol = {protocol, protocol.empty(), plain};
  out.request = {};
}

std::string Mismatch::reason(std::string_view line) const {
  if (expected.empty()) return fmt::format("{} {}", quoted(value), problem);
  if (at >= line.size()) {
    return fmt::format("expected {} at character {}, found the end of the line", expected, at + 1);
  }
  const size_t length = std::max<size_t>(1, utf8_sequence(line.substr(at)));
  return fmt::format("expected {} at character {}, found {}", expected, at + 1, quoted(line.substr(at, length)));
}

bool WebLogParser::fail(std::string_view column, std::string_view expected, const char* at) {
  mismatch_ = {column, expected, {}, {}, static_cast<size_t>(std::min(at, end_) - begin_)};
  return false;
}

bool WebLogParser::out_of_range(std::string_view column, std::string_view value, std::string_view problem) {
  mismatch_ = {column, {}, value, problem, static_cast<size_t>(value.data() - begin_)};
  return false;
}

inline bool WebLogParser::take(char expected, std::string_view what, std::string_view column) {
  if (at_ >= end_ || *at_ != expected) return fail(column, what, at_);
  ++at_;
  return true;
}

// At least one byte up to a space, and the space.
inline bool WebLogParser::take_word(std::string_view column, std::string_view what, LogField& out) {
  const char* const begin = at_;
  const char* space = skip_plain<true>(at_, readable_);
  const bool plain = space < end_ && *space == ' ';
  if (!plain) {
    space = static_cast<const char*>(std::memchr(begin, ' ', static_cast<size_t>(end_ - begin)));
    if (space == nullptr) return fail(column, begin == end_ ? what : "' '", end_);
  }
  if (space == begin) return fail(column, what, begin);
  out = field(begin, space, plain);
  at_ = space + 1;
  return true;
}

// From an opening quote to behind the closing one.
inline bool WebLogParser::take_quoted(std::string_view column, LogField& out) {
  if (!take('"', "'\"'", column)) return false;
  const char* const begin = at_;
  const char* stop = skip_plain<false>(at_, readable_);
  bool plain = true;
  while (stop < end_ && *stop != '"') {
    plain = false;
    stop += *stop == '\\' ? 2 : 1;
    if (stop >= end_) break;
    stop = skip_plain<false>(stop, readable_);
  }
  if (stop >= end_) return fail(column, "'\"'", end_);
  out = field(begin, stop, plain);
  at_ = stop + 1;
  return true;
}

bool WebLogParser::parse_host(WebLogLine& out) {
  const char* const begin = at_;
  const auto* space = static_cast<const char*>(std::memchr(begin, ' ', static_cast<size_t>(end_ - begin)));
  if (space == nullptr) space = end_;
  const std::string_view word(begin, static_cast<size_t>(space - begin));
  const size_t colon = word.rfind(':');
  if (colon == std::string_view::npos) return fail("server_port", "':'", space);
  const char* const host_end = begin + colon;
  const char* digit = host_end + 1;
  int64_t port = 0;
  for (; digit < space && is_digit(*digit); ++digit) port = std::min<int64_t>(port * 10 + (*digit - '0'), 65536);
  if (digit == host_end + 1) return fail("server_port", "a digit", digit);
  if (digit >= end_ || *digit != ' ') return fail("server_port", "' '", digit);
  if (port > 65535) return out_of_range("server_port", word.substr(colon + 1), "is not a port");
  out.host = field(begin, host_end, skip_plain<true>(begin, host_end) == host_end);
  out.server_port = port;
  at_ = space + 1;
  return true;
}

// Rule 2 of §4: a word too many in front of the address must not slide into the user.
bool WebLogParser::parse_client(WebLogLine& out) {
  if (!take_word("remote_addr", "an address", out.remote_addr)) return false;
  const char* const ident = at_;
  if (end_ - at_ >= 2 && at_[0] == '-' && at_[1] == ' ') {
    out.odd_ident = false;
    at_ += 2;
  } else if (any_ident_) {
    LogField word;
    if (!take_word("", "'-'", word)) return false;
    if (looks_like_address(word.text)) return fail("", "'-'", ident);
    out.odd_ident = true;
  } else {
    if (!take('-', "'-'", "")) return false;
    return fail("", "' '", at_);
  }
  if (!parse_user_and_time(out)) return false;
  const std::string_view user = out.remote_user.text;
  if (out.odd_ident && user.find(' ') != std::string_view::npos) return fail("", "'-'", ident);
  if (user.size() > 1 && user.find_first_not_of("- ") == std::string_view::npos) {
    return fail("remote_user", "'['", user.data() + std::min<size_t>(2, user.size() - 1));
  }
  return true;
}

// Rule 1 of §4: the first unescaped quote opens the request, the time stands before it, the user before that.
// Leaves at_ at that quote.
bool WebLogParser::parse_user_and_time(WebLogLine& out) {
  constexpr std::string_view kTime = "time";
  const char* const user = at_;
  const auto time_ends = [](const char* quote) { return quote[-2] == ']' && quote[-1] == ' ' && quote[0] == '"'; };
  if (end_ - user > static_cast<ptrdiff_t>(1 + kTimeToQuote) && user[0] == '-' && user[1] == ' ' && user[2] == '[' &&
      time_ends(user + 1 + kTimeToQuote) && clock_.read({user + 3, kLogTimeSize}, &out.time)) {
    out.remote_user = field(user, user + 1, true);
    at_ = user + 1 + kTimeToQuote;
    return true;
  }
  const char* quote = user;
  if (end_ - user >= 3 && user[0] == '"' && user[1] == '"' && user[2] == ' ') quote += 2;  // Apache's empty user
  const char* const search = quote;
  bool plain = true;
  for (;;) {
    quote = skip_plain<false>(quote, readable_);
    if (quote >= end_) return explain_time(user, search);
    if (*quote == '"') break;
    plain = false;
    quote += *quote == '\\' ? 2 : 1;
    if (quote >= end_) return explain_time(user, search);
  }
  const char* const user_end = quote - user >= static_cast<ptrdiff_t>(kTimeToQuote) ? quote - kTimeToQuote : user;
  if (user_end == user || user_end[0] != ' ' || user_end[1] != '[' || !time_ends(quote))
    return explain_time(user, search);
  const std::string_view time(user_end + 2, kLogTimeSize);
  size_t at = 0;
  if (!log_time_mismatch(time, &at).empty()) return explain_time(user, search);
  if (!clock_.read(time, &out.time)) return out_of_range(kTime, time, "is not a time");
  if (search != user) {
    if (user_end != search) return fail("remote_user", "' '", search);
    out.remote_user = field(user + 1, user + 1, true);
  } else {
    out.remote_user = field(user, user_end, plain);
  }
  at_ = quote;
  return true;
}

// There is no time where one must be: says what is wrong with what looks most like one.
bool WebLogParser::explain_time(const char* user, const char* search) {
  if (user == end_ || *user == '[' || *user == ' ') return fail("remote_user", "a user", user);
  if (search == user && *user == '"') return fail("remote_user", "a user", user);
  const std::string_view rest(search, static_cast<size_t>(end_ - search));
  size_t quote = 0;
  while (quote < rest.size() && rest[quote] != '"') quote += rest[quote] == '\\' ? 2 : 1;
  const std::string_view before = rest.substr(0, std::min(quote, rest.size()));
  const size_t bracket = before.rfind(" [");
  if (bracket == std::string_view::npos) {
    const size_t space = before.find(' ');
    if (space == std::string_view::npos) return fail("remote_user", "' '", search + before.size());
    return fail("time", "'['", search + space + 1);
  }
  const char* const time = search + bracket + 2;
  size_t at = 0;
  const std::string_view expected = log_time_mismatch({time, static_cast<size_t>(end_ - time)}, &at);
  if (!expected.empty()) return fail("time", expected, time + at);
  at_ = time + kLogTimeSize;
  if (!take(']', "']'", "time") || !take(' ', "' '", "time") || !take('"', "'\"'", "request")) return false;
  return fail("time", "' '", user);  // not reached: all is well with this one
}

// Status, bytes, and for the combined layouts referer and agent.
bool WebLogParser::parse_result(WebLogLine& out) {
  if (!take(' ', "' '", "status")) return false;
  for (int i = 0; i < 3; ++i) {
    if (at_ + i >= end_ || !is_digit(at_[i])) return fail("status", "a digit", at_ + i);
  }
  out.status = (at_[0] - '0') * 100 + (at_[1] - '0') * 10 + (at_[2] - '0');
  at_ += 3;
  if (!take(' ', "' '", "status")) return false;

  const char* const digits = at_;
  if (at_ < end_ && *at_ == '-') {
    out.bytes = -1;
    ++at_;
  } else {
    int64_t value = 0;
    bool too_large = false;
    for (; at_ < end_ && is_digit(*at_); ++at_) {
      const int digit = *at_ - '0';
      too_large = too_large || value > (std::numeric_limits<int64_t>::max() - digit) / 10;
      if (!too_large) value = value * 10 + digit;
    }
    if (at_ == digits) return fail("body_bytes_sent", "a digit or '-'", at_);
    if (too_large) {
      return out_of_range("body_bytes_sent", {digits, static_cast<size_t>(at_ - digits)}, "does not fit in 64 bits");
    }
    out.bytes = value;
  }
  if (layout_ == Layout::common) return true;
  return take(' ', "' '", at_ == end_ ? "http_referer" : "body_bytes_sent") &&
         take_quoted("http_referer", out.referer) && take(' ', "' '", "http_user_agent") &&
         take_quoted("http_user_agent", out.agent);
}

bool WebLogParser::parse_extra(WebLogLine& out) {
  while (at_ < end_) {
    if (*at_ != ' ') return fail("", "' ' or the end of the line", at_);
    ++at_;
    LogField extra;
    if (!take_quoted("", extra)) return false;
    ++out.extra_fields;
  }
  return true;
}

bool WebLogParser::parse(std::string_view line, const char* readable_end, WebLogLine& out) {
  begin_ = at_ = line.data();
  end_ = begin_ + line.size();
  readable_ = readable_end;
  out.extra_fields = 0;
  if (layout_ == Layout::vhost_combined && !parse_host(out)) return false;
  if (!parse_client(out) || !take_quoted("request", out.request)) return false;
  out.method.null = out.uri.null = out.protocol.null = true;
  if (!out.request.null) split_request(out);
  return parse_result(out) && parse_extra(out);
}

}  // namespace leat
