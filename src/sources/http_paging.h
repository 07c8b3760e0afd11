#pragma once

// Which page is asked for next, and when a window is done: docs/formats/http-source.md, "When a page is complete".
// Pure functions; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "base/status.h"
#include "sources/http_token.h"

namespace leat {

struct PagingRules {
  enum class Type : uint8_t { none, next_url, link_header, cursor, page, offset };
  enum class ShortPage : uint8_t { last, ends, goes_on };
  Type type = Type::none;
  std::string path = {};                   // in the body, of the next URL or the cursor
  std::string header = {};                 // or in this header
  std::string param = {};                  // of the cursor, the page number, the offset
  std::string size_param = {};             //
  uint64_t size = 0;                       // records a page; 0: not known
  uint64_t smallest = 0;                   // pages that fail shrink down to it; 0: they do not
  uint64_t first = 1;                      // page number
  std::string total = {};                  // in the body: how many records there are
  std::string total_pages = {};            // in the body
  ShortPage short_page = ShortPage::last;  // one of fewer than `size` records is the last, or ends it, or means nothing
};

// What a complete page has told.
struct PageSeen {
  std::string url = {};                // of the page, behind redirects
  std::string next = {};               // at `path`, in `header` or `Link`; empty: nothing
  std::optional<uint64_t> total = {};  //
  std::optional<uint64_t> total_pages = {};
  uint64_t records = 0;
  Hash128 body = {};  // up to its last record: Delivered::to_last_record
  bool last = false;  // whatever the paging says
};

// What a window has been asked by in this process.
using PagesAsked = std::unordered_set<uint64_t>;

// The token of the page behind `token`'s, its base left to the caller; or the same with `done`. fatal: the answers
// contradict each other.
Result<HttpToken> turn_page(const PagingRules& rules, const HttpToken& token, const PageSeen& seen, PagesAsked& asked);

// The same behind a page that never came: `done` where only that page could tell the next one.
HttpToken pass_page(const PagingRules& rules, const HttpToken& token);

// The target of rel="next" of a Link header (RFC 8288); empty: there is none.
std::string next_link(std::string_view header);

}  // namespace leat
