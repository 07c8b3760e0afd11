#include "app/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "base/text_width.h"

namespace leat::app {
namespace {

constexpr size_t kMostMarkBytes = 12;  // a character under a tower of marks is not readable anyway

// SGR parameters: with colours, and without.
struct Look {
  const char* colour;
  const char* plain;
};
constexpr std::array<Look, 8> kLooks{{
    {"0", "0"},
    {"0;2", "0;2"},
    {"0;1", "0;1"},
    {"0;1;4", "0;1;4"},
    {"0;32", "0"},
    {"0;33", "0"},
    {"0;1;31", "0;1"},
    {"0;36", "0"},
}};

}  // namespace

void Frame::clear(size_t row, size_t column) {
  // Half a wide character is none.
  if (at(row, column).text.empty() && column > 0) at(row, column - 1) = {};
  if (column + 1 < columns_ && at(row, column + 1).text.empty()) at(row, column + 1) = {};
  at(row, column) = {};
}

size_t Frame::put(size_t row, size_t column, std::string_view text, Style style) {
  if (row >= rows_) return column;
  const size_t first = column;
  for (size_t i = 0; i < text.size();) {
    const size_t length = std::max<size_t>(1, utf8_sequence(text.substr(i)));
    const std::string_view character = text.substr(i, length);
    i += length;
    const char32_t code = first_code(character);
    switch (width_of(code)) {
      case CharWidth::format:
        break;
      case CharWidth::mark: {
        // A mark belongs to the cell before; one without a letter, or a selector of emoji forms, goes.
        if (column == first || column > columns_ || (code >= 0xFE00 && code <= 0xFE0F)) break;
        size_t on = column - 1;
        if (at(row, on).text.empty() && on > first) --on;
        if (at(row, on).text.size() < kMostMarkBytes) at(row, on).text += character;
        at(row, on).anchor = true;
        break;
      }
      case CharWidth::narrow:
        if (column >= columns_) return column;
        clear(row, column);
        at(row, column) = {std::string(character), style, code >= 0x300 && (code < 0x2000 || code > 0x25FF)};
        ++column;
        break;
      case CharWidth::wide:
        if (column + 1 >= columns_) return column;
        clear(row, column);
        clear(row, column + 1);
        at(row, column) = {std::string(character), style, true};
        at(row, column + 1) = {"", style, false};
        column += 2;
        break;
    }
  }
  return column;
}

void Frame::put_right(size_t row, size_t end, std::string_view text, Style style) {
  const size_t width = columns_of(text);
  if (width <= end) put(row, end - width, text, style);
}

void Frame::put_bar(size_t row, size_t column, size_t width, double share, Style style) {
  constexpr std::array<const char*, 8> kEighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(width) * 8));
  for (size_t i = 0; i < eighths / 8; ++i) column = put(row, column, "█", style);
  put(row, column, kEighths[eighths % 8], style);
}

size_t Frame::used(size_t row) const {
  size_t end = columns_;
  while (end > 0 && at(row, end - 1) == Cell{}) --end;
  return end;
}

std::string Frame::text() const {
  std::string out;
  for (size_t row = 0; row < rows_; ++row) {
    size_t end = used(row);
    while (end > 0 && at(row, end - 1).text == " ") --end;
    for (size_t column = 0; column < end; ++column) out += at(row, column).text;
    out += '\n';
  }
  return out;
}

std::string Frame::bytes(const Frame* before, bool colour) const {
  const bool fresh = before == nullptr || before->columns_ != columns_ || before->rows_ != rows_;
  std::string lines;
  for (size_t row = 0; row < rows_; ++row) {
    const auto* const cells = cells_.data() + row * columns_;
    if (!fresh && std::equal(cells, cells + columns_, before->cells_.data() + row * columns_)) continue;
    lines += fmt::format("\x1B[{};1H", row + 1);
    Style style = Style::plain;
    const size_t end = used(row);
    for (size_t column = 0; column < end; ++column) {
      const Cell& cell = cells[column];
      if (cell.text.empty()) continue;
      if (cell.style != style) {
        const Look& look = kLooks[static_cast<size_t>(cell.style)];
        lines += fmt::format("\x1B[{}m", colour ? look.colour : look.plain);
        style = cell.style;
      }
      lines += cell.text;
      if (cell.anchor) lines += fmt::format("\x1B[{}G", column + columns_of(cell.text) + 1);
    }
    if (style != Style::plain) lines += "\x1B[0m";
    if (end < columns_) lines += "\x1B[K";
  }
  if (lines.empty()) return "";
  // Shown at once by terminals that know this mode, which is ignored by the others.
  return "\x1B[?2026h" + std::string(fresh ? "\x1B[0m\x1B[2J" : "") + lines + "\x1B[?2026l";
}

}  // namespace leat::app
