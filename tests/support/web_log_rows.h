#pragma once

// What tests of the decoder web_log share: decoding a text into rows that can be compared and read.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "decoders/web_log.h"

namespace leat::testing {

// A row or a reject as one line: "column=value" with '|' between, NULLs left out.
struct Decoded {
  std::vector<std::string> rows;
  std::vector<std::string> raws;
  std::vector<RowOrigin> origins;
  std::vector<Reject> rejects;
  std::vector<std::string> notes;
  void add(Decoded&& more) {
    for (auto& row : more.rows) rows.push_back(std::move(row));
    for (auto& raw : more.raws) raws.push_back(std::move(raw));
    for (auto& origin : more.origins) origins.push_back(origin);
    for (auto& reject : more.rejects) rejects.push_back(std::move(reject));
  }
};

inline std::string value_of(const RecordBatch& batch, size_t column, size_t row) {
  const Field& field = batch.schema().fields[column];
  if (batch.is_null(column, row)) return "~";
  if (field.type == Type::time) return format_time(batch.integer(column, row));
  if (field.type == Type::real) return fmt::format("{}", batch.real(column, row));
  if (field.type == Type::integer) return std::to_string(batch.integer(column, row));
  return std::string(batch.text(column, row));
}

inline std::string value_of(const RecordBatch& batch, std::string_view column, size_t row) {
  const auto found = batch.schema().find(column);
  return found ? value_of(batch, *found, row) : "no such column";
}

inline std::string row_text(const RecordBatch& batch, size_t row) {
  std::string text;
  for (size_t column = 0; column < batch.schema().fields.size(); ++column) {
    const Field& field = batch.schema().fields[column];
    if (field.bytes || batch.is_null(column, row)) continue;
    if (!text.empty()) text += '|';
    text += field.name + "=" + value_of(batch, column, row);
  }
  return text;
}

inline Decoded decode(Decoder& decoder, Chunk chunk) {
  Decoded result;
  chunk.end.part = "part";
  chunk.end.origin = "access.log";
  RecordBatch batch(decoder.schema());
  decoder.decode(std::move(chunk), batch, result.rejects);
  for (size_t row = 0; row < batch.rows(); ++row) {
    result.rows.push_back(row_text(batch, row));
    result.raws.emplace_back(batch.raw(row));
    result.origins.push_back(batch.origin_of(row));
    if (const auto raw_log = batch.schema().find("raw_log")) {
      EXPECT_EQ(batch.text(*raw_log, row), batch.raw(row));
    }
    result.origins.back().raw = 0;  // where it stands in the arena depends on the chunk
  }
  return result;
}

inline Decoded decode(std::string_view format, std::string_view text) {
  std::vector<std::string> notes;
  auto decoder = make_web_log_decoder({std::string(format), true},
                                      [&](NoteLevel, const std::string& note) { notes.push_back(note); });
  EXPECT_TRUE(decoder.ok());
  Chunk chunk;
  chunk.bytes = text;
  Decoded result = decode(**decoder, std::move(chunk));
  result.notes = notes;
  return result;
}

}  // namespace leat::testing
