#pragma once

// Times as people and programs write them in data (docs/formats/types.md). Pure functions; any thread.

#include <cstdint>
#include <string_view>

namespace leat {

// Microseconds since 1970-01-01T00:00:00Z of a text that is, as a whole, one of
//   2026-11-22 · 2026-11-22 13:39 · 2026-11-22T13:39:28.123456Z     also with '/' in the date, ',' before the fraction
//   20261122T133928Z · 20261122133928 · 20261122                    without separators
//   Sun, 22 Nov 2026 13:39:28 GMT · 22/Nov/2026:13:39:28 +0100      mail and HTTP; access logs
//   1795354768 · 1795354768.5 · 1795354768123 · 1795354768123456    seconds (9 or 10 digits), milli-, microseconds
// A zone is Z, UTC, GMT, +01, +0100 or +01:00; without one it is UTC. False: it is none, or not within the years
// 1–9999.
bool read_time_text(std::string_view text, int64_t* micros);

}  // namespace leat
