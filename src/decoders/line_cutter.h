#pragma once

// Records that are lines, and what becomes of records that are too long. Pure functions but for the cutter, which
// keeps nothing; who calls it: flow/cutter.h.

#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "data/record_batch.h"
#include "data/reject.h"
#include "flow/chunk.h"
#include "flow/cutter.h"

namespace leat {

// Takes the next line off the front of `bytes`: `line` is without '\n' and without a '\r' at its end. Returns the
// number of bytes taken with it; the last line may lack its '\n'. `bytes` are not empty.
inline size_t next_line(std::string_view bytes, std::string_view& line) {
  const auto* newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
  const size_t length = newline == nullptr ? bytes.size() : static_cast<size_t>(newline - bytes.data());
  line = bytes.substr(0, length != 0 && bytes[length - 1] == '\r' ? length - 1 : length);
  return newline == nullptr ? length : length + 1;
}

// The whole lines at the beginning of `bytes` that one chunk may have.
Cut cut_lines(std::string_view bytes, const CutRule& rule);
// Cutter::skip() of lines.
std::optional<size_t> skip_line(std::string_view bytes);

std::unique_ptr<Cutter> make_line_cutter();

// A chunk with `truncated` becomes one reject. `what`: "line", "record". The batch's part, origin and arena are set.
void reject_truncated(const Chunk& chunk, std::string_view what, const RecordBatch& batch, Rejects& rejects);

}  // namespace leat
