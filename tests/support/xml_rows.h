#pragma once

// What tests of the decoder xml share: a document taken in pieces, as a source would, into rows that can be read.

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "decoders/xml.h"

namespace leat::testing {

struct XmlTaken {
  std::vector<std::string> rows;     // "column=value" with '|' between, NULLs left out
  std::vector<std::string> rejects;  // "BYTE LINE COLUMN: REASON"
  std::vector<RowOrigin> origins;    // without raw
  std::vector<std::string> raws;     // of the rows
  std::vector<std::string> reject_raws;
  std::string failure;             // the document's
  std::vector<std::string> notes;  // what was inferred
  size_t chunks = 0;
  friend bool operator==(const XmlTaken& a, const XmlTaken& b) {
    return a.rows == b.rows && a.rejects == b.rejects && a.failure == b.failure && a.raws == b.raws &&
           a.reject_raws == b.reject_raws;
  }
};

inline std::string xml_row_text(const RecordBatch& batch, size_t row) {
  std::string text;
  for (size_t column = 0; column < batch.schema().fields.size(); ++column) {
    const Field& field = batch.schema().fields[column];
    if (field.bytes || batch.is_null(column, row)) continue;
    if (!text.empty()) text += '|';
    text += field.name + "=";
    switch (field.type) {
      case Type::time:
        text += format_time(batch.integer(column, row));
        break;
      case Type::real:
        text += fmt::format("{}", batch.real(column, row));
        break;
      case Type::integer:
      case Type::boolean:
        text += std::to_string(batch.integer(column, row));
        break;
      default:
        text += batch.text(column, row);
    }
  }
  return text;
}

inline void decode_xml(Decoder& decoder, Chunk chunk, XmlTaken& taken) {
  chunk.end.part = "part";
  chunk.end.origin = "a.xml";
  RecordBatch batch(decoder.schema());
  Rejects rejects;
  decoder.decode(std::move(chunk), batch, rejects);
  for (size_t row = 0; row < batch.rows(); ++row) {
    taken.rows.push_back(xml_row_text(batch, row));
    taken.raws.emplace_back(batch.raw(row));
    taken.origins.push_back(batch.origin_of(row));
    taken.origins.back().raw = 0;
  }
  for (const Reject& reject : rejects) {
    taken.rejects.push_back(fmt::format("{} {} {}: {}", reject.byte_offset, reject.line, reject.column, reject.reason));
    taken.reject_raws.push_back(reject.raw);
  }
}

struct XmlTaking {
  std::function<size_t()> step;  // how many bytes come at once; at least 1
  uint64_t max_record = 16 * 1024 * 1024;
  uint64_t most_records = 4096;
  bool restart = true;  // each chunk is cut by another cutter, which begins with what the one before has saved
  bool ended = true;
};

// Everything, in pieces; from the beginning again whenever the columns change.
inline XmlTaken take_xml(Decoder& decoder, std::string_view file, const XmlTaking& how) {
  XmlTaken taken;
  std::vector<std::string> notes;
  auto cutter = decoder.make_cutter("a.xml");
  size_t border = 0;
  size_t have = 0;
  uint64_t line = 1;
  const auto make_chunk = [&](size_t size, std::string context) {
    Chunk chunk;
    chunk.bytes = file.substr(border, size);
    chunk.start = border;
    chunk.first_line = line;
    chunk.context = std::move(context);
    return chunk;
  };
  const auto lines_in = [&](size_t size) {
    uint64_t lines = 0;
    for (const char c : file.substr(border, size)) lines += c == '\n' ? 1 : 0;
    return lines;
  };
  for (;;) {
    const bool all = have == file.size();
    const std::string held(file.substr(border, have - border));  // at another place in memory each time
    std::string context = cutter->save();
    auto cut = cutter->whole(
        held, {.ended = all && how.ended, .max_record = how.max_record, .most_records = how.most_records});
    if (!cut.ok()) {
      taken.notes = notes;
      if (cut.status().kind() != Kind::retry || notes.size() > 20) {
        taken.failure = cut.status().message();
        return taken;
      }
      notes.push_back(cut.status().message());
      taken = {};
      cutter = decoder.make_cutter("a.xml");
      border = have = 0;
      line = 1;
      continue;
    }
    size_t size = cut->bytes;
    Chunk chunk;
    if (cut->too_long) {
      size_t at = border;
      for (;;) {
        const size_t piece = std::min(how.step(), file.size() - at);
        if (piece == 0) {
          taken.failure = "ends inside a record that is too long";
          return taken;
        }
        const std::string part(file.substr(at, piece));
        auto end = cutter->skip(part);
        if (!end.ok()) {
          taken.failure = end.status().message();
          return taken;
        }
        at += *end ? **end : piece;
        if (*end) break;
      }
      size = at - border;
      chunk = make_chunk(std::min<size_t>(size, 64), context);
      chunk.truncated = true;
      chunk.skipped = size - chunk.bytes.size();
      have = std::max(have, at);
    } else if (size > 0) {
      chunk = make_chunk(size, context);
    }
    if (size == 0) {
      if (all) break;
      have = std::min(file.size(), have + how.step());
      continue;
    }
    decode_xml(decoder, std::move(chunk), taken);
    ++taken.chunks;
    line += lines_in(size);
    border += size;
    if (how.restart) {
      const std::string saved = cutter->save();
      cutter = decoder.make_cutter("a.xml");
      if (Status status = cutter->restore(saved); !status.ok()) {
        taken.failure = status.message();
        return taken;
      }
    }
  }
  taken.notes = notes;
  return taken;
}

// At once.
inline XmlTaken take_xml(Decoder& decoder, std::string_view file) {
  return take_xml(decoder, file, {.step = [&] { return file.size() + 1; }});
}

}  // namespace leat::testing
