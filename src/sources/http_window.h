#pragma once

// Which windows an API is pulled in: docs/formats/http-source.md, "The ledger of windows". Pure functions; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leat {

struct WindowRules {
  enum class By : uint8_t {
    run,     // everything, once a run
    time,    // bounds are microseconds since 1970
    number,  // bounds are whole numbers that the user knows, up to `until`
    id,      // from the largest id that was seen
  };
  By by = By::run;
  bool has_before = false;            // the API takes an upper bound
  int64_t start = 0;                  // of the first window
  int64_t length = 0;                 // of a window, with has_before; 0: as long as there is
  int64_t lookback = 0;               // each request asks from so much before the window
  int64_t settle = 0;                 // so much before the server's clock nothing changes any more
  std::optional<int64_t> until = {};  // nothing behind it
  int64_t full_every = 0;             // everything is pulled again so often, in microseconds; 0: never
  std::string format = {};  // how a bound is asked for: "" ISO, "unix", "unix_ms", "integer", or like strftime
};

struct Window {
  uint64_t number = 1;
  std::optional<int64_t> after = {};
  std::optional<int64_t> before = {};  // absent: open above (by id), or everything
  std::optional<int64_t> full = {};    // when the full pull began that it is of, or follows; with full_every
  bool last = false;                   // of that pull; of next_window(): there is nothing behind it now
  std::optional<int64_t> to = {};      // where windows ended when it was made, with has_before
  bool is_time = false;                // the bounds are microseconds since 1970
  std::string parents = {};            // HttpParents: what the table was whose rows the bounds are the numbers of
};

// What must not be passed by a window's end, when the server's clock shows `now`: whole seconds.
int64_t horizon_of(const WindowRules& rules, int64_t now_micros);

// The one behind `last`, or the first one; nothing: it would be empty. `horizon`: horizon_of(), for windows by time.
std::optional<Window> next_window(const WindowRules& rules, const std::optional<Window>& last, int64_t horizon);
// The first one of a full pull, which begins at `now`, behind `last`; nothing: it would be empty.
std::optional<Window> first_of_full(const WindowRules& rules, const std::optional<Window>& last, int64_t horizon,
                                    int64_t now_micros);
// Whether the one behind `last` is to begin a full pull. Not while one is under way.
bool is_full_due(const WindowRules& rules, const std::optional<Window>& last, int64_t now_micros);

// A bound as a request says it. `format` as of WindowRules.
std::string bound_text(std::string_view format, int64_t bound);
// What is wrong with a format; empty: nothing.
std::string trouble_with_format(std::string_view format);

}  // namespace leat
