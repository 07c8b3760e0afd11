#include "sources/http_paging.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/redaction.h"
#include "base/text.h"
#include "sources/http_url.h"

namespace leat {
namespace {

// A value of a parameter of Link: a token or a quoted string, taken from the front.
std::string take_value(std::string_view& rest) {
  std::string value;
  if (!rest.starts_with('"')) {
    const size_t end = std::min(rest.find_first_of(";, \t"), rest.size());
    value = rest.substr(0, end);
    rest.remove_prefix(end);
    return value;
  }
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != '"') {
    if (rest.front() == '\\' && rest.size() > 1) rest.remove_prefix(1);
    value += rest.front();
    rest.remove_prefix(1);
  }
  rest.remove_prefix(std::min<size_t>(1, rest.size()));
  return value;
}

bool has_word(std::string_view text, std::string_view word) {
  for (const std::string_view each : split(text, ' ')) {
    if (equal_ignoring_case(each, word)) return true;
  }
  return false;
}

uint64_t hash_of(const PageAsk& ask) {
  return hash64(ask.text, static_cast<uint64_t>(ask.by));
}

Status went_round(const HttpToken& token, const PageSeen& seen, const PageAsk& next) {
  const std::string what = next.by == PageAsk::By::url ? shown_url(next.text) : "the cursor " + quoted(next.text);
  return Status::fatal(
      fmt::format("{}: page {} says that the next one is {}, which was asked for before in this "
                  "window: the pages go round in a circle",
                  shown_url(seen.url), token.page + 1, what));
}

// The next page is asked by a text that the last one gave.
Result<HttpToken> follow(const PagingRules& rules, HttpToken next, const PageSeen& seen, PagesAsked& asked) {
  const HttpToken token = next;
  if (rules.type == PagingRules::Type::cursor) {
    next.ask = {.by = PageAsk::By::cursor, .text = seen.next};
  } else {
    auto url = resolve_url(seen.url, seen.next);
    if (!url.ok()) {
      return Status::fatal(fmt::format("{}: the next page: {}", shown_url(seen.url), url.status().message()));
    }
    next.ask = {.by = PageAsk::By::url, .text = *std::move(url)};
  }
  if (asked.empty()) {
    const std::string first = rules.type == PagingRules::Type::cursor ? "" : seen.url;
    asked.insert(token.ask.by == PageAsk::By::first ? hash64(first, static_cast<uint64_t>(next.ask.by))
                                                    : hash_of(token.ask));
  }
  const Hash128 hash = hash128(next.ask.text);
  if (!asked.insert(hash_of(next.ask)).second || token.mark == hash) return went_round(token, seen, next.ask);
  ++next.page;
  // Brent: the mark stands at the last page whose number is a power of two, and all behind it are compared with it.
  if (std::has_single_bit(next.page)) next.mark = hash;
  return next;
}

uint64_t size_of(const PagingRules& rules, const HttpToken& token) {
  return token.size > 0 ? token.size : rules.size;
}

// The page behind one that had room for `step` records.
void count_page(const PagingRules& rules, HttpToken& next, uint64_t step) {
  ++next.page;
  if (rules.type == PagingRules::Type::page) {
    next.ask = {.by = PageAsk::By::page, .text = "", .number = rules.first + next.page};
  } else {
    next.ask = {.by = PageAsk::By::offset, .text = "", .number = next.ask.number + step};
  }
}

void forget_page(HttpToken& token) {
  token.lead = token.taken = 0;
  token.hash = {};
}

Result<HttpToken> count_on(const PagingRules& rules, HttpToken next, const PageSeen& seen) {
  const uint64_t size = size_of(rules, next);
  const bool is_short = size > 0 && seen.records < size;
  if (next.short_page && seen.records > 0 && rules.short_page == PagingRules::ShortPage::last) {
    return Status::fatal(fmt::format(
        "{}: page {} has records, though the one before had fewer than size = {}: the server gives smaller pages than "
        "it is asked for, so that some would be missed; make size as small, or say short_page = \"goes_on\" if pages "
        "may be short",
        shown_url(seen.url), next.page + 1, size));
  }
  count_page(rules, next, size > 0 ? size : seen.records);
  next.short_page = is_short;
  next.done = seen.records == 0 || (is_short && rules.short_page == PagingRules::ShortPage::ends) ||
              (next.total && next.records >= *next.total) || (seen.total_pages && next.page >= *seen.total_pages);
  return next;
}

Result<HttpToken> turn(const PagingRules& rules, HttpToken next, const PageSeen& seen, PagesAsked& asked) {
  next.done = seen.last || rules.type == PagingRules::Type::none;
  if (next.done) return next;
  if (rules.type == PagingRules::Type::page || rules.type == PagingRules::Type::offset) {
    return count_on(rules, std::move(next), seen);
  }
  if (!trim(seen.next).empty()) return follow(rules, std::move(next), seen, asked);
  next.done = true;
  return next;
}

}  // namespace

Result<HttpToken> turn_page(const PagingRules& rules, const HttpToken& token, const PageSeen& seen, PagesAsked& asked) {
  if (seen.records > 0 && token.body == seen.body) {
    return Status::fatal(
        fmt::format("{}: page {} has the same {} records as the page before: the server does not turn "
                    "the pages",
                    shown_url(seen.url), token.page + 1, with_commas(seen.records)));
  }
  if (token.total && seen.total && token.total != seen.total) {
    return Status::fatal(
        fmt::format("{}: the server said that there are {} records and now says {}: the data has changed "
                    "between two pages, so that some may be missed; if it may, leave out 'total'",
                    shown_url(seen.url), with_commas(*token.total), with_commas(*seen.total)));
  }
  HttpToken next = token;
  next.records += seen.records;
  if (seen.total) next.total = seen.total;
  next.body = seen.body;
  forget_page(next);
  LEAT_ASSIGN(next, turn(rules, std::move(next), seen, asked));
  if (next.done && next.total && next.missed == 0 && next.records != *next.total) {
    return Status::fatal(
        fmt::format("{}: {} records have come, but the server said that there are {}; if the data may "
                    "change between two pages, leave out 'total'",
                    shown_url(seen.url), with_commas(next.records), with_commas(*next.total)));
  }
  return next;
}

HttpToken pass_page(const PagingRules& rules, const HttpToken& token) {
  HttpToken next = token;
  forget_page(next);
  next.body.reset();
  next.short_page = false;
  ++next.missed;
  const uint64_t size = size_of(rules, next);
  // As many as it had, unless it was the last one or pages may be short: then only the server tells where the end is.
  if (rules.short_page != PagingRules::ShortPage::goes_on) next.records += size;
  const bool is_page = rules.type == PagingRules::Type::page;
  next.done = !is_page && (rules.type != PagingRules::Type::offset || size == 0);
  if (!next.done) count_page(rules, next, size);
  next.done = next.done || (next.total && next.records >= *next.total);
  return next;
}

std::string next_link(std::string_view header) {
  for (;;) {
    const size_t open = header.find('<');
    if (open == std::string_view::npos) return "";
    const size_t close = header.find('>', open);
    if (close == std::string_view::npos) return "";
    const std::string_view target = header.substr(open + 1, close - open - 1);
    header.remove_prefix(close + 1);
    for (;;) {
      header = header.substr(std::min(header.find_first_not_of(" \t"), header.size()));
      if (!header.starts_with(';')) break;
      header = trim(header.substr(1));
      const size_t end = std::min(header.find_first_of("=;,"), header.size());
      const std::string_view name = trim(header.substr(0, end));
      header.remove_prefix(end);
      if (!header.starts_with('=')) continue;
      header = trim(header.substr(1));
      const std::string value = take_value(header);
      if (equal_ignoring_case(name, "rel") && has_word(value, "next")) return std::string(target);
    }
  }
}

}  // namespace leat
