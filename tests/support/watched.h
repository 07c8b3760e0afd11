#pragma once

// A page through a cutter as the HTTP source cuts it: what was told of watched paths, and what stood before the
// records. For tests of decoders.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "flow/decoder.h"

namespace leat::testing {

struct Watched {
  std::vector<std::string> told;  // of each path the last text; "-": nothing
  uint64_t lead = 0;
  std::string inherited;  // behind the lead
  uint64_t bytes = 0;     // that were cut
  std::string error;
  // Where the last border before an error is depends on the pieces.
  friend bool operator==(const Watched& a, const Watched& b) {
    return a.told == b.told && a.error == b.error &&
           (!a.error.empty() || (a.lead == b.lead && a.inherited == b.inherited && a.bytes == b.bytes));
  }
};

// The first `first` bytes are cut before the others are there.
inline Watched watch_page(Decoder& decoder, std::string_view page, const std::vector<std::string>& paths,
                          size_t first = SIZE_MAX) {
  Watched out;
  for (bool again = true; again;) {
    again = false;
    out = {};
    out.told.assign(paths.size(), "-");
    const auto cutter = decoder.make_cutter("page");
    const Status watching = cutter->watch(paths, [&](size_t path, std::string_view text) { out.told[path] = text; });
    if (!watching.ok()) {
      out.error = watching.message();
      return out;
    }
    for (size_t there : {std::min(first, page.size()), page.size()}) {
      for (bool going = true; going;) {
        const std::string bytes(page.substr(out.bytes, there - out.bytes));
        const auto cut = cutter->whole(bytes, {.ended = there == page.size()});
        if (!cut.ok()) {
          again = cut.status().kind() == Kind::retry;
          out.error = std::string(name_of(cut.status().kind())) + ": " + cut.status().message();
          break;
        }
        going = cut->bytes > 0;
        out.bytes += cut->bytes;
        out.lead += cut->lead;
        if (cut->lead > 0) out.inherited = cutter->inherited();
      }
      if (!out.error.empty()) break;
    }
  }
  return out;
}

}  // namespace leat::testing
