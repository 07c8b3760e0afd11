#pragma once

// Bytes through a decoder as a source hands them over: more and more of them are there, whole records are taken away,
// now and then everything begins again from what was saved. For tests of decoders.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/status.h"
#include "flow/decoder.h"

namespace leat::testing {

struct Taken {
  std::vector<std::string> rows;     // "offset:line name=value name=value", NULL left out
  std::vector<std::string> rejects;  // "offset:line column: reason | raw"
  std::string error;                 // of the cutter, with its kind
  uint64_t bytes = 0;                // that were taken
  size_t chunks = 0;
  friend bool operator==(const Taken& a, const Taken& b) {
    return a.rows == b.rows && a.rejects == b.rejects && a.error == b.error && a.bytes == b.bytes;
  }
};

inline std::string shown_cell(const RecordBatch& batch, size_t column, size_t row) {
  switch (batch.schema().fields[column].type) {
    case Type::text:
    case Type::json:
      return std::string(batch.text(column, row));
    case Type::real:
      return std::to_string(batch.real(column, row));
    default:
      return std::to_string(batch.integer(column, row));
  }
}

inline void take_chunk(Decoder& decoder, Chunk chunk, Taken& out) {
  RecordBatch batch(decoder.schema());
  Rejects rejects;
  ++out.chunks;
  decoder.decode(std::move(chunk), batch, rejects);
  for (size_t row = 0; row < batch.rows(); ++row) {
    std::string text = std::to_string(batch.origin_of(row).offset) + ":" + std::to_string(batch.origin_of(row).line);
    for (size_t column = 0; column < batch.schema().fields.size(); ++column) {
      if (batch.is_null(column, row)) continue;
      text += " " + batch.schema().fields[column].name + "=" + shown_cell(batch, column, row);
    }
    out.rows.push_back(std::move(text));
  }
  for (const Reject& reject : rejects) {
    out.rejects.push_back(std::to_string(reject.byte_offset) + ":" + std::to_string(reject.line) + " " + reject.column +
                          ": " + reject.reason + " | " + reject.raw + " | " + std::to_string(reject.raw_length) + " " +
                          hex(reject.raw_hash));
  }
}

struct PieceRule {
  uint64_t seed = 0;  // 0: all at once
  uint64_t max_record = 1 << 20;
};

inline Taken take_in_pieces(Decoder& decoder, const std::string& file, PieceRule pieces = {}) {
  Taken out;
  uint64_t seed = pieces.seed;
  auto cutter = decoder.make_cutter("f");
  size_t start = 0;
  size_t there = 0;
  uint64_t line = 1;
  const auto add = [&](Chunk chunk, size_t end) {
    chunk.start = start;
    chunk.first_line = line;
    chunk.end = {"f", "f", end, {}};
    line += static_cast<uint64_t>(
        std::count(file.begin() + static_cast<int64_t>(start), file.begin() + static_cast<int64_t>(end), '\n'));
    take_chunk(decoder, std::move(chunk), out);
    out.bytes = start = end;
  };
  const auto failed = [&](const Status& status) {
    out.error = std::string(name_of(status.kind())) + ": " + status.message();
    return out;
  };
  for (int growths = 0;;) {
    seed = mix64(seed);
    there = pieces.seed == 0 ? file.size() : std::min(file.size(), std::max(there, start) + 1 + seed % 40);
    CutRule rule{.ended = there == file.size(), .max_record = pieces.max_record};
    if (pieces.seed != 0) rule.most_records = 1 + seed / 64 % 4;
    const std::string_view bytes = std::string_view(file).substr(start, there - start);
    const std::string before = cutter->save();
    auto cut = cutter->whole(bytes, rule);
    if (!cut.ok() && cut.status().kind() == Kind::retry && ++growths < 10) {
      cutter = decoder.make_cutter("f");
      if (Status restored = cutter->restore(before); !restored.ok()) return failed(restored);
      continue;
    }
    if (!cut.ok()) return failed(cut.status());
    Chunk chunk;
    if (cut->too_long) {
      size_t end = start;
      for (bool more = true; more;) {
        if (end == file.size()) {
          out.error = "ends inside a record that is too long";
          return out;
        }
        const size_t size = pieces.seed == 0 ? file.size() - end : std::min(file.size() - end, 1 + (seed >> 8) % 40);
        auto skipped = cutter->skip(std::string_view(file).substr(end, size));
        if (!skipped.ok()) return failed(skipped.status());
        more = !*skipped;
        end += skipped->value_or(size);
      }
      const std::string_view record = std::string_view(file).substr(start, end - start);
      chunk.truncated = true;
      chunk.bytes = record.substr(0, std::min<uint64_t>(pieces.max_record, kRejectRawLimit));
      chunk.skipped = record.size() - chunk.bytes.size();
      chunk.whole_hash = hash128(record);
      chunk.context = cutter->save();
      add(std::move(chunk), end);
    } else if (cut->bytes > 0) {
      chunk.bytes = bytes.substr(0, cut->bytes);
      chunk.context = before.empty() ? cutter->save() : before;
      add(std::move(chunk), start + cut->bytes);
    } else if (rule.ended) {
      if (cutter->open_ended() && start < file.size()) {
        chunk.bytes = bytes;
        chunk.context = before;
        add(std::move(chunk), file.size());
      }
      return out;
    }
    if (pieces.seed != 0 && seed % 3 == 0) {
      const std::string saved = cutter->save();
      cutter = decoder.make_cutter("f");
      if (Status restored = cutter->restore(saved); !restored.ok()) return failed(restored);
      there = start;
    }
  }
}

}  // namespace leat::testing
