#pragma once

// A picture in cells: what a live view shows at one moment. As plain text, or as the bytes that make a terminal show it
// in place of the one before: only lines that differ, all in one write, so that nothing flickers. Plain value.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leat::app {

// What a text means; 16 colours at most, and never the only thing that tells it.
enum class Style : uint8_t { plain, faint, strong, heading, good, warning, bad, bar };

class Frame {
 public:
  Frame(size_t columns, size_t rows) : columns_(columns), rows_(rows), cells_(columns * rows) {}

  [[nodiscard]] size_t columns() const { return columns_; }
  [[nodiscard]] size_t rows() const { return rows_; }

  // `text` (UTF-8 without control characters: visible()) from `column` of `row` on; what reaches beyond the frame is
  // cut off. Characters without a width of their own that could turn others around or join them are left out. The
  // column after the text.
  size_t put(size_t row, size_t column, std::string_view text, Style style = Style::plain);
  // So that it ends before column `end`.
  void put_right(size_t row, size_t end, std::string_view text, Style style = Style::plain);
  // A bar of `width` columns, filled from the left to an eighth of a column.
  void put_bar(size_t row, size_t column, size_t width, double share, Style style = Style::bar);

  // Lines without the spaces at their ends, each with its newline.
  [[nodiscard]] std::string text() const;
  // For a terminal that shows `before` (null: anything). `colour` false: bold and faint only.
  [[nodiscard]] std::string bytes(const Frame* before, bool colour) const;

 private:
  struct Cell {
    std::string text = " ";  // one character and its marks; empty: the right half of a wide one
    Style style = Style::plain;
    bool anchor = false;  // terminals may disagree about its width: go to the next column by number
    friend bool operator==(const Cell&, const Cell&) = default;
  };
  [[nodiscard]] Cell& at(size_t row, size_t column) { return cells_[row * columns_ + column]; }
  [[nodiscard]] const Cell& at(size_t row, size_t column) const { return cells_[row * columns_ + column]; }
  void clear(size_t row, size_t column);
  [[nodiscard]] size_t used(size_t row) const;  // columns up to the last one that is not empty

  size_t columns_;
  size_t rows_;
  std::vector<Cell> cells_;
};

}  // namespace leat::app
