#pragma once

// A record that could not become a row, kept with where it stood and why. Plain value; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace leat {

constexpr size_t kRejectRawLimit = 64 * 1024;

struct Reject {
  std::string part;
  std::string origin;        // what a person calls the place: a path, a URL
  uint64_t byte_offset = 0;  // of the record in its part
  uint64_t line = 0;         // 1-based; 0 when the source has no lines
  std::string column;        // the column that did not fit; empty when none is concerned
  std::string reason;        // "expected '[' at character 12, found 'x'"
  std::string raw;           // the record's first kRejectRawLimit bytes
  uint64_t raw_length = 0;   // of the whole record
  Hash128 raw_hash;          // of the whole record
};

using Rejects = std::vector<Reject>;

// A reject of `record` (its exact bytes, without the newline): fills raw, raw_length and raw_hash.
Reject make_reject(std::string_view part, std::string_view origin, uint64_t byte_offset, uint64_t line,
                   std::string_view column, std::string reason, std::string_view record);

}  // namespace leat
