// Any bytes as separated values, cut anywhere, against a reader that is written as simply as the rules are said
// (docs/formats/csv.md §1 and §2): one character after the other, everything copied.
//
// Input: byte 0 chooses the dialect, the number of columns and whether there is a header, bytes 1–4 seed the cuts, the
// rest is the file.

#include "base/text.h"
#include "decoders/csv.h"
#include "tests/fuzz/log_checks.h"

namespace leat::fuzz {
namespace {

struct Record {
  size_t offset = 0;
  size_t end = 0;  // behind its newline
  uint64_t line = 0;
  std::string raw;
  bool broken = false;
  std::vector<std::optional<std::string>> values;  // an empty field that is not quoted is none
};

std::vector<Record> read_plainly(const std::string& file, const CsvDialect& dialect) {
  std::vector<Record> records;
  const auto at_line_end = [&](size_t i) {
    return i == file.size() || file[i] == '\n' || (file[i] == '\r' && (i + 1 == file.size() || file[i + 1] == '\n'));
  };
  size_t i = file.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  uint64_t line = 1;
  while (i < file.size()) {
    Record record;
    record.offset = i;
    record.line = line;
    bool cut_return = true;
    for (bool more = true; more;) {
      std::string value;
      bool quoted = false;
      if (dialect.quote && i < file.size() && file[i] == *dialect.quote) {
        quoted = true;
        bool closed = false;
        for (++i; i < file.size() && !closed; ++i) {
          if (file[i] != *dialect.quote) {
            value += file[i];
          } else if (i + 1 < file.size() && file[i + 1] == *dialect.quote) {
            value += file[i++];
          } else {
            closed = true;
          }
        }
        if (!closed) record.broken = true;
        if (!closed) cut_return = false;
        if (!at_line_end(i) && file[i] != dialect.delimiter) record.broken = true;
        while (i < file.size() && file[i] != '\n' && file[i] != dialect.delimiter) ++i;
      } else {
        while (i < file.size() && file[i] != '\n' && file[i] != dialect.delimiter) value += file[i++];
        if (at_line_end(i) && value.ends_with('\r')) value.pop_back();
      }
      record.values.push_back(value.empty() && !quoted ? std::nullopt : std::optional(value));
      more = i < file.size() && file[i] == dialect.delimiter;
      if (more) ++i;
    }
    record.raw = file.substr(record.offset, i - record.offset);
    if (cut_return && record.raw.ends_with('\r')) record.raw.pop_back();
    if (i < file.size()) ++i;
    record.end = i;
    line = 1 + static_cast<uint64_t>(std::count(file.begin(), file.begin() + static_cast<ptrdiff_t>(i), '\n'));
    if (!record.raw.empty()) records.push_back(std::move(record));
  }
  return records;
}

// Cells in one line.
std::string in_a_line(const std::vector<std::optional<std::string>>& values) {
  std::string out;
  for (const auto& value : values) out += value ? "=" + *value + "|" : "~|";
  return out;
}

void take_chunk(Decoder& decoder, Chunk chunk, Outcome& out) {
  RecordBatch batch(decoder.schema());
  decoder.decode(std::move(chunk), batch, out.rejects);
  for (size_t row = 0; row < batch.rows(); ++row) {
    std::vector<std::optional<std::string>> values;
    for (size_t column = 1; column < batch.schema().fields.size(); ++column) {
      const bool text = batch.schema().fields[column].type == Type::text;
      if (batch.is_null(column, row)) {
        values.emplace_back();
      } else {
        values.emplace_back(text ? std::string(batch.text(column, row)) : std::to_string(batch.cell(column, row)));
      }
    }
    out.rows.push_back(std::to_string(batch.integer(0, row)) + in_a_line(values));
    out.row_lines.push_back({batch.origin_of(row).offset, batch.origin_of(row).line, {}});
    out.raws.emplace_back(batch.raw(row));
  }
}

// As a source does it; false: the file was refused. `seed` 0: all at once.
bool take_file(Decoder& decoder, const std::string& file, uint64_t seed, Outcome& out) {
  out = {};
  auto cutter = decoder.make_cutter("f");
  size_t start = 0;
  size_t there = 0;
  for (int opens = 0; start < file.size();) {
    seed = seed == 0 ? 0 : mix64(seed);
    there = seed == 0 ? file.size() : std::min<size_t>(file.size(), there + 1 + seed % 100);
    const bool ended = there == file.size();
    const std::string_view bytes = std::string_view(file).substr(start, there - start);
    std::string context = cutter->save();
    const auto cut = cutter->whole(
        bytes, {.ended = ended, .max_record = 1024 * 1024, .most_records = seed == 0 ? 1U << 30 : 1 + seed % 7});
    if (!cut.ok()) {
      require(is_utf8(cut.status().message()), "a message is UTF-8");
      if (cut.status().kind() != Kind::retry) return false;
      require(++opens < 2, "the columns become known once");
      return take_file(decoder, file, seed, out);
    }
    require(!cut->too_long && cut->bytes <= bytes.size(), "whole records");
    const size_t whole = cut->bytes == 0 && ended ? bytes.size() : cut->bytes;
    if (whole == 0) continue;
    if (context.empty()) context = cutter->save();
    if (decoder.schema() == nullptr) return false;  // a last record that tells no types
    Chunk chunk;
    chunk.bytes = bytes.substr(0, whole);
    chunk.start = start;
    chunk.first_line =
        1 + static_cast<uint64_t>(std::count(file.begin(), file.begin() + static_cast<ptrdiff_t>(start), '\n'));
    chunk.context = context;
    take_chunk(decoder, std::move(chunk), out);
    start += whole;
    const std::string saved = cutter->save();
    cutter = decoder.make_cutter("f");
    require(cutter->restore(saved).ok(), "what was saved can be restored");
  }
  return true;
}

void check_skipping(const std::string& file, const CsvDialect& dialect, uint64_t seed) {
  const auto records = read_plainly(file, dialect);
  if (records.empty()) return;
  CsvSkipper skipper(dialect);
  size_t at = records[0].offset;
  for (std::optional<size_t> end; !end && at < file.size();) {
    seed = mix64(seed);
    const std::string_view piece = std::string_view(file).substr(at, 1 + seed % 20);
    end = skipper.skip(piece);
    at += end.value_or(piece.size());
  }
  require(at == records[0].end, "a record that is skipped ends where it ends");
}

}  // namespace
}  // namespace leat::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer wants this name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leat;        // NOLINT(google-build-using-namespace): this file is about nothing else
  using namespace leat::fuzz;  // NOLINT(google-build-using-namespace)
  if (size < 5) return 0;
  uint64_t seed = 1;
  for (size_t i = 1; i < 5; ++i) seed = seed << 8 | data[i];
  const std::string file(reinterpret_cast<const char*>(data) + 5, size - 5);
  CsvOptions options;
  constexpr std::array<CsvDialect, 4> kDialects{{{',', '"'}, {'\t', std::nullopt}, {';', '\''}, {'|', '"'}}};
  options.dialect = kDialects[data[0] % 4];
  options.header = (data[0] & 4) != 0;
  options.row_number = "number";
  const size_t columns = 1 + (data[0] >> 4) % 4;
  if (!options.header) {
    for (size_t i = 0; i < columns; ++i) options.columns.push_back({"c" + std::to_string(i), "", Type::text, {}, {}});
  }
  check_skipping(file, options.dialect, seed);

  Outcome all;
  Outcome pieces;
  const bool taken = take_file(*make_csv_decoder(options, {}), file, 0, all);
  require(take_file(*make_csv_decoder(options, {}), file, seed, pieces) == taken, "cuts refuse no file");
  if (!taken) return 0;
  same(all, pieces);

  std::vector<Record> records = read_plainly(file, options.dialect);
  if (options.header) records.erase(records.begin(), records.begin() + (records.empty() ? 0 : 1));
  require(all.rows.size() + all.rejects.size() == records.size(), "rows + rejects = records");
  size_t row = 0;
  size_t reject = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    if (row < all.rows.size() && all.row_lines[row].offset == record.offset) {
      require(!record.broken && all.row_lines[row].number == record.line, "the place of a row");
      require(all.raws[row] == record.raw, "the bytes of a row");
      if (!options.header) {
        require(all.rows[row] == std::to_string(i + 1) + in_a_line(record.values), "the cells of a row");
      }
      ++row;
      continue;
    }
    require(reject < all.rejects.size(), "each record is a row or a reject");
    const Reject& found = all.rejects[reject++];
    require(found.byte_offset == record.offset && found.line == record.line, "the place of a reject");
    require(found.raw_hash == hash128(record.raw), "the bytes of a reject");
    const bool clean = std::all_of(record.values.begin(), record.values.end(), [](const auto& value) {
      return !value || (is_utf8(*value) && value->find('\0') == std::string::npos);
    });
    require(options.header || record.broken || !clean || record.values.size() != columns, "a reject has a reason");
  }
  return 0;
}
