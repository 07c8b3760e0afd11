#pragma once

// The rows of one chunk, by column: cells of eight bytes with validity bits over one arena of text. The arena begins
// as the chunk's own bytes, so text that needs no unescaping is never copied; unescaped text is appended to it.
// Made by a decoder, changed by transforms, read by a sink: one thread at a time.
//
// Cells by type: boolean 0/1 · integer int64_t · real the bits of a double · time int64_t microseconds ·
// text and json pack_text(offset in the arena, length). A cell whose validity bit is 0 is NULL and its value 0.
// Text cells are valid UTF-8 without NUL, unless Field::bytes.

#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/schema.h"

namespace leat {

constexpr uint64_t pack_text(size_t offset, size_t length) {
  return (static_cast<uint64_t>(offset) << 32) | static_cast<uint32_t>(length);
}
constexpr size_t text_offset(uint64_t cell) {
  return cell >> 32;
}
constexpr size_t text_length(uint64_t cell) {
  return cell & 0xFFFFFFFFU;
}

// Where a row stood in its source.
struct RowOrigin {
  uint64_t offset = 0;  // byte offset of the record in its part
  uint64_t line = 0;    // 1-based line number in the part; 0 when the source has no lines
  uint64_t raw = 0;     // pack_text of the record's exact bytes (without the newline) in the arena
};

// What a sink has worked out about a batch (Sink::prepare); only the sink knows what it is.
class Prepared {
 public:
  Prepared() = default;
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  virtual ~Prepared() = default;
};

class RecordBatch {
 public:
  explicit RecordBatch(SchemaPtr schema) : schema_(std::move(schema)), columns_(schema_->fields.size()) {}

  std::string part;    // Position::part of the chunk
  std::string origin;  // what a person calls the place: a path, a URL
  std::string arena;
  bool provisional = false;  // Chunk::provisional
  std::shared_ptr<Prepared> prepared;

  [[nodiscard]] const Schema& schema() const { return *schema_; }
  [[nodiscard]] const SchemaPtr& schema_ptr() const { return schema_; }
  [[nodiscard]] size_t rows() const { return origins_.size(); }

  // Adds a row of NULLs; returns its index.
  size_t add_row(const RowOrigin& from) {
    const size_t row = origins_.size();
    origins_.push_back(from);
    if (row == capacity_) grow();
    return row;
  }
  // For a record whose end was not known when its row was added.
  void set_raw(size_t row, uint64_t raw) { origins_[row].raw = raw; }
  // Takes the last row back (a decoder found that it is a reject).
  void drop_last_row();

  // Only the rows whose bit is set in `bits` (one a row, lowest first; those from rows() on do not count) stay, in
  // their order. The arena stays as it is.
  void keep(const std::vector<uint64_t>& bits);
  // The columns become those of `schema`: column i is what was column from[i], each at most once, or a new one of NULLs
  // where that is kNewColumn. Columns are moved, no cell is copied.
  static constexpr size_t kNewColumn = SIZE_MAX;
  void reshape(SchemaPtr schema, const std::vector<size_t>& from);

  void set(size_t column, size_t row, uint64_t cell) {
    Column& c = columns_[column];
    c.cells[row] = cell;
    c.valid[row >> 6] |= 1ULL << (row & 63);
  }
  void set_integer(size_t column, size_t row, int64_t value) { set(column, row, static_cast<uint64_t>(value)); }
  void set_real(size_t column, size_t row, double value) { set(column, row, std::bit_cast<uint64_t>(value)); }
  void set_text(size_t column, size_t row, size_t offset, size_t length) {
    set(column, row, pack_text(offset, length));
  }
  // `text` is copied to the end of the arena.
  void set_new_text(size_t column, size_t row, std::string_view text) {
    set(column, row, pack_text(arena.size(), text.size()));
    arena.append(text);
  }

  [[nodiscard]] bool is_null(size_t column, size_t row) const {
    return (columns_[column].valid[row >> 6] >> (row & 63) & 1U) == 0;
  }
  [[nodiscard]] uint64_t cell(size_t column, size_t row) const { return columns_[column].cells[row]; }
  [[nodiscard]] int64_t integer(size_t column, size_t row) const { return static_cast<int64_t>(cell(column, row)); }
  [[nodiscard]] double real(size_t column, size_t row) const { return std::bit_cast<double>(cell(column, row)); }
  [[nodiscard]] std::string_view text(size_t column, size_t row) const { return text_of(cell(column, row)); }
  [[nodiscard]] std::string_view text_of(uint64_t cell) const {
    return {arena.data() + text_offset(cell), text_length(cell)};
  }
  // A whole column: its cells, and its validity bits (one a row, lowest first). Both reach to the next multiple of 64
  // rows; from rows() on they are 0 and stay so. Whoever writes clears the cell of a NULL.
  [[nodiscard]] const uint64_t* cells(size_t column) const { return columns_[column].cells.data(); }
  [[nodiscard]] uint64_t* cells(size_t column) { return columns_[column].cells.data(); }
  [[nodiscard]] const uint64_t* validity(size_t column) const { return columns_[column].valid.data(); }
  [[nodiscard]] uint64_t* validity(size_t column) { return columns_[column].valid.data(); }
  [[nodiscard]] const RowOrigin& origin_of(size_t row) const { return origins_[row]; }
  [[nodiscard]] std::string_view raw(size_t row) const { return text_of(origins_[row].raw); }

 private:
  struct Column {
    std::vector<uint64_t> cells;  // capacity_ of them; those from rows() on are 0
    std::vector<uint64_t> valid;  // one bit a row, lowest first
  };
  void grow();

  SchemaPtr schema_;
  std::vector<Column> columns_;
  std::vector<RowOrigin> origins_;
  size_t capacity_ = 0;
};

}  // namespace leat
