#pragma once

// Records that are lines, and what becomes of records that are too long. Pure functions but for the cutter, which
// keeps nothing; who calls it: flow/cutter.h.

#include <memory>
#include <string_view>

#include "data/record_batch.h"
#include "data/reject.h"
#include "flow/chunk.h"
#include "flow/cutter.h"

namespace leat {

// The whole lines at the beginning of `bytes` that one chunk may have.
Cut cut_lines(std::string_view bytes, const CutRule& rule);
// Cutter::skip() of lines.
std::optional<size_t> skip_line(std::string_view bytes);

std::unique_ptr<Cutter> make_line_cutter();

// A chunk with `truncated` becomes one reject. `what`: "line", "record". The batch's part, origin and arena are set.
void reject_truncated(const Chunk& chunk, std::string_view what, const RecordBatch& batch, Rejects& rejects);

}  // namespace leat
