#include "sources/http_token.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/text.h"
#include "sources/http_url.h"

namespace leat {
namespace {

constexpr std::array<std::string_view, 5> kAsks = {"first", "url", "cursor", "page", "offset"};

template <class T>
bool parse_number(std::string_view text, T* out, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out, base);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

bool parse_hash(std::string_view text, Hash128* out) {
  return text.size() == 32 && parse_number(text.substr(0, 16), &out->high, 16) &&
         parse_number(text.substr(16), &out->low, 16);
}

bool is_numbered(PageAsk::By by) {
  return by == PageAsk::By::page || by == PageAsk::By::offset;
}

bool parse_ask(std::string_view text, PageAsk* out) {
  const size_t colon = std::min(text.find(':'), text.size());
  for (size_t i = 1; i < kAsks.size(); ++i) {
    if (text.substr(0, colon) != kAsks[i] || colon == text.size()) continue;
    out->by = static_cast<PageAsk::By>(i);
    const std::string_view value = text.substr(colon + 1);
    if (is_numbered(out->by)) return parse_number(value, &out->number);
    out->text = percent_decoded(value);
    return true;
  }
  return false;
}

}  // namespace

HttpToken HttpToken::beginning() const {
  HttpToken token;
  token.after = after;
  token.before = before;
  token.full = full;
  token.last = last;
  token.to = to;
  token.is_time = is_time;
  token.at = at;
  token.parents = parents;
  return token;
}

std::string HttpToken::text() const {
  std::string out = "v=1";
  const auto add = [&](std::string_view name, const auto& value) { out += fmt::format(" {}={}", name, value); };
  if (after) add("after", *after);
  if (before) add("before", *before);
  if (from) add("from", *from);
  if (upto) add("upto", *upto);
  if (full) add("full", *full);
  if (last) add("last", 1);
  if (to) add("to", *to);
  if (is_time) add("time", 1);
  if (at != 0) add("at", at);
  add("page", page);
  if (ask.by != PageAsk::By::first) {
    const std::string value = is_numbered(ask.by) ? std::to_string(ask.number) : percent_encoded(ask.text);
    add("ask", fmt::format("{}:{}", kAsks[static_cast<size_t>(ask.by)], value));
  }
  add("base", base);
  if (taken > 0) {
    add("lead", lead);
    add("taken", taken);
    add("hash", hex(hash));
  }
  if (records > 0) add("records", records);
  if (!parents.empty()) add("parents", percent_encoded(parents));
  if (row > 0) add("row", row);
  if (missed > 0) add("missed", missed);
  if (total) add("total", *total);
  if (mark) add("mark", hex(*mark));
  if (body) add("body", hex(*body));
  if (size > 0) add("size", size);
  if (short_page) add("short", 1);
  if (done) add("done", 1);
  return out;
}

Result<HttpToken> HttpToken::parse(std::string_view text) {
  HttpToken token;
  const auto damaged = [&] { return Status::bug("the position's token is damaged: " + quoted(text)); };
  bool versioned = false;
  for (const std::string_view piece : split(text, ' ')) {
    const size_t equals = piece.find('=');
    if (equals == std::string_view::npos) return damaged();
    const std::string_view name = piece.substr(0, equals);
    const std::string_view value = piece.substr(equals + 1);
    bool good = false;
    if (name == "v") {
      good = versioned = value == "1";
    } else if (name == "after") {
      good = parse_number(value, &token.after.emplace());
    } else if (name == "before") {
      good = parse_number(value, &token.before.emplace());
    } else if (name == "from") {
      good = parse_number(value, &token.from.emplace());
    } else if (name == "upto") {
      good = parse_number(value, &token.upto.emplace());
    } else if (name == "full") {
      good = parse_number(value, &token.full.emplace());
    } else if (name == "last") {
      good = token.last = value == "1";
    } else if (name == "to") {
      good = parse_number(value, &token.to.emplace());
    } else if (name == "time") {
      good = token.is_time = value == "1";
    } else if (name == "at") {
      good = parse_number(value, &token.at);
    } else if (name == "page") {
      good = parse_number(value, &token.page);
    } else if (name == "ask") {
      good = parse_ask(value, &token.ask);
    } else if (name == "base") {
      good = parse_number(value, &token.base);
    } else if (name == "lead") {
      good = parse_number(value, &token.lead);
    } else if (name == "taken") {
      good = parse_number(value, &token.taken);
    } else if (name == "hash") {
      good = parse_hash(value, &token.hash);
    } else if (name == "records") {
      good = parse_number(value, &token.records);
    } else if (name == "parents") {
      token.parents = percent_decoded(value);
      good = !token.parents.empty();
    } else if (name == "row") {
      good = parse_number(value, &token.row);
    } else if (name == "missed") {
      good = parse_number(value, &token.missed);
    } else if (name == "total") {
      good = parse_number(value, &token.total.emplace());
    } else if (name == "mark") {
      good = parse_hash(value, &token.mark.emplace());
    } else if (name == "body") {
      good = parse_hash(value, &token.body.emplace());
    } else if (name == "size") {
      good = parse_number(value, &token.size);
    } else if (name == "short") {
      good = token.short_page = value == "1";
    } else if (name == "done") {
      good = token.done = value == "1";
    }
    if (!good) return damaged();
  }
  const bool bounded = token.after && token.before;
  if (!versioned || token.lead > token.taken || ((token.from || token.upto) && !bounded)) return damaged();
  return token;
}

}  // namespace leat
