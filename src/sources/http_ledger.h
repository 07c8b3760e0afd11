#pragma once

// The ledger of windows as positions tell it (docs/formats/http-source.md): for the source that goes on with it, and
// for who only looks. Pure functions; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "data/position.h"
#include "flow/source.h"
#include "sources/http_token.h"
#include "sources/http_window.h"

namespace leat {

struct LedgerWindow {
  Window window;
  const Position* position = nullptr;  // one of those that were read
  HttpToken token;
};

struct Ledger {
  std::vector<LedgerWindow> windows;  // in the order of their numbers
  bool full_under_way = false;        // a full pull has begun whose last window is not done
};

// The windows of the source `name` among `positions`, which must outlive it; others are passed over. bug: a token is
// damaged.
Result<Ledger> read_ledger(const Positions& positions, std::string_view name);
// The same of whichever source the last one of `positions` is; no windows: it is not one of this kind.
Ledger find_ledger(const Positions& positions);

// Of the present pull: of the full one that is under way, else of all. How long what is left takes is told from when
// the last windows began; a stretch in which leat was down does not count.
Windows progress_of(const Ledger& ledger);
// What the token of a window says of it.
Window window_of(uint64_t number, const HttpToken& token);
// How many come behind `last`, when one is `length` long; 0: it is not known.
uint64_t windows_behind(const Window& last, int64_t length);

// "window 3, 2026-01-01 00:00:00 to 2026-01-02 00:00:00 UTC", "window 3, from 17", "window 3".
std::string shown(const Window& window);

}  // namespace leat
