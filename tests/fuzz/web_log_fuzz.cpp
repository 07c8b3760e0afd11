// Any bytes as an access log, cut anywhere: every line that is not blank is one row or one reject, in order, with the
// right place and bytes; cells are clean; and where the file is cut changes nothing.
//
// Input: byte 0 chooses the format and whether raw_log is kept, bytes 1–4 seed the cuts, the rest is the file.

#include <algorithm>
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

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

struct Line {
  uint64_t offset;
  uint64_t number;
  std::string_view text;
};

// Written on purpose in another way than the decoder's own.
std::vector<Line> lines_of(std::string_view file) {
  std::vector<Line> lines;
  uint64_t number = 1;
  size_t start = 0;
  for (size_t i = 0; i <= file.size(); ++i) {
    if (i < file.size() && file[i] != '\n') continue;
    std::string_view text = file.substr(start, i - start);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (!text.empty()) lines.push_back({start, number, text});
    start = i + 1;
    ++number;
  }
  return lines;
}

struct Outcome {
  std::vector<std::string> rows;  // all cells but those of raw_log
  std::vector<Line> row_lines;
  std::vector<std::string> raws;
  leat::Rejects rejects;
};

void check_cell(std::string_view text) {
  require(leat::is_utf8(text), "a cell is UTF-8");
  for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a cell has no control bytes");
}

void take(leat::Decoder& decoder, std::string_view bytes, uint64_t start, uint64_t first_line,
          const std::string& context, Outcome& out) {
  leat::Chunk chunk;
  chunk.bytes = bytes;
  chunk.start = start;
  chunk.first_line = first_line;
  chunk.context = context;
  leat::RecordBatch batch(decoder.schema());
  decoder.decode(std::move(chunk), batch, out.rejects);
  const leat::Schema& schema = batch.schema();
  for (size_t row = 0; row < batch.rows(); ++row) {
    std::string all;
    for (size_t column = 0; column < schema.fields.size(); ++column) {
      const leat::Field& field = schema.fields[column];
      if (field.bytes) {
        require(batch.text(column, row) == batch.raw(row), "raw_log is the record");
        continue;
      }
      all += batch.is_null(column, row) ? "~|" : "=";
      if (batch.is_null(column, row)) continue;
      if (field.type == leat::Type::text) {
        check_cell(batch.text(column, row));
        all += batch.text(column, row);
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

void check(const Outcome& outcome, const std::vector<Line>& lines) {
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
      const leat::Reject& found = outcome.rejects[reject++];
      require(found.byte_offset == line.offset && found.line == line.number, "the place of a reject");
      require(found.raw == line.text.substr(0, leat::kRejectRawLimit), "the bytes of a reject");
      require(found.raw_length == line.text.size() && found.raw_hash == leat::hash128(line.text),
              "its length and hash");
      require(!found.reason.empty(), "a reject has a reason");
      check_cell(found.reason);
    }
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer wants this name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 5) return 0;
  const auto formats = leat::web_log_formats();
  leat::WebLogOptions options;
  options.raw = (data[0] & 0x80) != 0;
  if (const size_t chosen = (data[0] & 0x7FU) % (formats.size() + 1); chosen > 0) {
    options.format = formats[chosen - 1].name;
  }
  uint64_t seed = 0;
  for (size_t i = 1; i < 5; ++i) seed = seed << 8 | data[i];
  const std::string file(reinterpret_cast<const char*>(data) + 5, size - 5);
  const std::vector<Line> lines = lines_of(file);

  auto decoder =
      *leat::make_web_log_decoder(options, [](leat::NoteLevel, const std::string& text) { check_cell(text); });
  // As a source does it: more and more bytes are there, whole lines are taken away.
  Outcome pieces;
  auto cutter = decoder->make_cutter("f");
  std::string context = cutter->save();
  size_t start = 0;
  size_t there = 0;
  uint64_t number = 1;
  int reopened = 0;
  while (start < file.size()) {
    seed = leat::mix64(seed);
    there = std::min(file.size(), there + 1 + seed % 400);
    const bool ended = there == file.size();
    const std::string_view bytes = std::string_view(file).substr(start, there - start);
    const auto cut = cutter->whole(bytes, ended);
    if (!cut.ok() && cut.status().kind() == leat::Kind::retry) {
      require(++reopened == 1, "the schema grows once");
      require(start == 0 || context.empty(), "nothing that needed the columns was delivered");
      const std::string saved = cutter->save();
      cutter = decoder->make_cutter("f");
      require(cutter->restore(saved).ok(), "what was saved can be restored");
      there = start;
      continue;
    }
    if (!cut.ok()) {
      require(cut.status().kind() == leat::Kind::bad_config && options.format.empty(),
              "only unknown files are refused");
      check_cell(cut.status().message());
      return 0;
    }
    size_t whole = *cut;
    require(whole <= bytes.size() && (whole == 0 || bytes[whole - 1] == '\n'), "whole lines");
    context = cutter->save();
    if (whole == 0 && ended) whole = bytes.size();  // the last line, without its end
    if (whole == 0) continue;
    take(*decoder, bytes.substr(0, whole), start, number, context, pieces);
    for (const char c : bytes.substr(0, whole)) number += c == '\n' ? 1 : 0;
    start += whole;
    if (seed % 3 == 0) {  // a restart
      cutter = decoder->make_cutter("f");
      require(cutter->restore(context).ok(), "what was saved can be restored");
    }
  }
  check(pieces, lines);

  Outcome all;
  take(*decoder, file, 0, 1, context, all);
  check(all, lines);
  require(all.rows == pieces.rows, "cuts change no row");
  require(all.raws == pieces.raws, "cuts change no record");
  for (size_t i = 0; i < all.rejects.size(); ++i) {
    require(all.rejects[i].reason == pieces.rejects[i].reason, "cuts change no reason");
  }
  return 0;
}
