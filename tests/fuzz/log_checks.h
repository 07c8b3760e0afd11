#pragma once

// What must hold whatever a log holds: each record is one row or one reject, in order, with the right place and bytes;
// cells are clean; where the file is cut changes nothing. Used by the fuzz targets of the decoder web_log.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/text.h"
#include "decoders/web_log.h"

namespace leat::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

struct Line {
  uint64_t offset;
  uint64_t number;
  std::string_view text;
};

// `directives`: lines that begin with '#' are no records. Written on purpose in another way than the decoder's own.
inline std::vector<Line> lines_of(std::string_view file, bool directives) {
  std::vector<Line> lines;
  uint64_t number = 1;
  size_t start = 0;
  for (size_t i = 0; i <= file.size(); ++i) {
    if (i < file.size() && file[i] != '\n') continue;
    std::string_view text = file.substr(start, i - start);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (!text.empty() && !(directives && text.front() == '#')) lines.push_back({start, number, text});
    start = i + 1;
    ++number;
  }
  return lines;
}

struct Outcome {
  std::vector<std::string> rows;  // all cells but those of raw_log
  std::vector<Line> row_lines;
  std::vector<std::string> raws;
  Rejects rejects;
};

inline void check_cell(std::string_view text) {
  require(is_utf8(text), "a cell is UTF-8");
  for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a cell has no control bytes");
}

inline void take(Decoder& decoder, std::string_view bytes, uint64_t start, uint64_t first_line,
                 const std::string& context, Outcome& out) {
  Chunk chunk;
  chunk.bytes = bytes;
  chunk.start = start;
  chunk.first_line = first_line;
  chunk.context = context;
  RecordBatch batch(decoder.schema());
  decoder.decode(std::move(chunk), batch, out.rejects);
  const Schema& schema = batch.schema();
  for (size_t row = 0; row < batch.rows(); ++row) {
    std::string all;
    for (size_t column = 0; column < schema.fields.size(); ++column) {
      const Field& field = schema.fields[column];
      if (field.bytes) {
        require(batch.text(column, row) == batch.raw(row), "raw_log is the record");
        continue;
      }
      all += batch.is_null(column, row) ? "~|" : "=";
      if (batch.is_null(column, row)) continue;
      if (field.type == Type::text) {
        check_cell(batch.text(column, row));
        all += batch.text(column, row);
      } else if (field.type == Type::real) {
        require(std::isfinite(batch.real(column, row)), "a real is a number");
        all += std::to_string(batch.real(column, row));
      } else {
        all += std::to_string(batch.integer(column, row));
      }
      all += '|';
    }
    out.rows.push_back(std::move(all));
    out.row_lines.push_back({batch.origin_of(row).offset, batch.origin_of(row).line, {}});
    out.raws.emplace_back(batch.raw(row));
  }
}

inline void check(const Outcome& outcome, const std::vector<Line>& lines) {
  require(outcome.rows.size() + outcome.rejects.size() == lines.size(), "rows + rejects = lines that are not blank");
  size_t row = 0;
  size_t reject = 0;
  for (const Line& line : lines) {
    if (row < outcome.rows.size() && outcome.row_lines[row].offset == line.offset) {
      require(outcome.row_lines[row].number == line.number, "the line number of a row");
      require(outcome.raws[row] == line.text, "the bytes of a row");
      ++row;
    } else {
      require(reject < outcome.rejects.size(), "each line is a row or a reject");
      const Reject& found = outcome.rejects[reject++];
      require(found.byte_offset == line.offset && found.line == line.number, "the place of a reject");
      require(found.raw == line.text.substr(0, kRejectRawLimit), "the bytes of a reject");
      require(found.raw_length == line.text.size() && found.raw_hash == hash128(line.text), "its length and hash");
      require(!found.reason.empty(), "a reject has a reason");
      check_cell(found.reason);
    }
  }
}

// As a source does it: more and more bytes are there, whole lines are taken away, now and then after a restart. False:
// the file was refused. `*context`: what the cutter had saved at the end.
inline bool take_in_pieces(Decoder& decoder, const std::string& file, uint64_t seed, bool may_refuse, int most_growths,
                           std::string* context, Outcome& pieces) {
  auto cutter = decoder.make_cutter("f");
  *context = cutter->save();
  size_t start = 0;
  size_t there = 0;
  uint64_t number = 1;
  int growths = 0;
  while (start < file.size()) {
    seed = mix64(seed);
    there = std::min(file.size(), there + 1 + seed % 400);
    const bool ended = there == file.size();
    const std::string_view bytes = std::string_view(file).substr(start, there - start);
    const std::string before = cutter->save();
    const auto cut = cutter->whole(bytes, {.ended = ended, .max_record = 1024 * 1024});
    if (!cut.ok() && cut.status().kind() == Kind::retry) {
      require(++growths <= most_growths, "the schema grows now and then");
      check_cell(cut.status().message());
      cutter = decoder.make_cutter("f");
      require(cutter->restore(before).ok(), "what was saved can be restored");
      there = start;
      continue;
    }
    if (!cut.ok()) {
      require(cut.status().kind() == Kind::bad_config && may_refuse, "only unknown files are refused");
      check_cell(cut.status().message());
      return false;
    }
    size_t whole = cut->bytes;
    require(whole <= bytes.size() && (whole == 0 || bytes[whole - 1] == '\n'), "whole lines");
    *context = before.empty() ? cutter->save() : before;
    require(cutter->save().size() <= 4096, "the saved state is short");
    if (whole == 0 && ended) {
      *context = cutter->save();
      whole = bytes.size();  // the last line, without its end
    }
    if (whole == 0) continue;
    take(decoder, bytes.substr(0, whole), start, number, *context, pieces);
    for (const char c : bytes.substr(0, whole)) number += c == '\n' ? 1 : 0;
    start += whole;
    if (seed % 3 == 0) {  // a restart
      const std::string saved = cutter->save();
      cutter = decoder.make_cutter("f");
      require(cutter->restore(saved).ok(), "what was saved can be restored");
    }
  }
  *context = cutter->save();
  return true;
}

inline void same(const Outcome& all, const Outcome& pieces) {
  require(all.rows == pieces.rows, "cuts change no row");
  require(all.raws == pieces.raws, "cuts change no record");
  require(all.rejects.size() == pieces.rejects.size(), "cuts change no reject");
  for (size_t i = 0; i < all.rejects.size(); ++i) {
    require(all.rejects[i].reason == pieces.rejects[i].reason, "cuts change no reason");
  }
}

}  // namespace leat::fuzz
