#pragma once

// The token of a window's position: docs/formats/http-source.md, "Position". Plain values; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/status.h"

namespace leat {

// What a page is asked by.
struct PageAsk {
  enum class By : uint8_t { first, url, cursor, page, offset };
  By by = By::first;
  std::string text = {};  // the URL or the cursor
  uint64_t number = 0;    // of the page, or its offset
  friend bool operator==(const PageAsk&, const PageAsk&) = default;
};

struct HttpToken {
  std::optional<int64_t> after;   // bounds of the window: microseconds since 1970, or whole numbers
  std::optional<int64_t> before;  //
  std::optional<int64_t> from;    // of a window that is asked for piece by piece: bounds of the present piece …
  std::optional<int64_t> upto;    // … absent: up to `before`
  std::optional<int64_t> full;    // when its full pull began: microseconds since 1970
  bool last = false;              // of that pull
  std::optional<int64_t> to;      // where windows ended when it was made
  bool is_time = false;           // the bounds are microseconds since 1970
  int64_t at = 0;                 // when it was made: microseconds since 1970
  uint64_t page = 0;
  PageAsk ask;
  uint64_t base = 0;
  uint64_t lead = 0;
  uint64_t taken = 0;
  Hash128 hash;
  uint64_t records = 0;
  std::string parents;  // Window::parents
  uint64_t row = 0;     // of it: the number of the row that the page is of
  uint64_t missed = 0;  // pages that were passed over
  std::optional<uint64_t> total;
  std::optional<Hash128> mark;
  std::optional<Hash128> body;
  uint64_t size = 0;
  bool short_page = false;
  bool done = false;
  friend bool operator==(const HttpToken&, const HttpToken&) = default;

  // Of the same window, as it was made.
  [[nodiscard]] HttpToken beginning() const;
  [[nodiscard]] std::string text() const;
  // bug: not a token of this form (a database edited by hand); the message shows it.
  static Result<HttpToken> parse(std::string_view text);
};

}  // namespace leat
