#include "config/complaints.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/redaction.h"
#include "base/text.h"

namespace leat {
namespace {

constexpr size_t kWidest = 110;

// One shown cell for each character of the line, so that a caret can be put below one of them.
std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  while (!line.empty()) {
    const size_t length = std::max<size_t>(1, utf8_sequence(line));
    const std::string_view character = line.substr(0, length);
    cells.push_back(character == "\t" ? " " : visible(character));
    line.remove_prefix(length);
  }
  return cells;
}

size_t width_of(const std::string& cell) {
  return static_cast<size_t>(std::count_if(cell.begin(), cell.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string_view line_of(std::string_view text, uint32_t number) {
  for (uint32_t i = 1; i < number; ++i) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::string_view line = text.substr(0, text.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace

std::string excerpt(std::string_view text, const Place& at) {
  if (at.line == 0) return "";
  const std::vector<std::string> cells = cells_of(shown_line(line_of(text, at.line)));
  if (cells.empty()) return "";
  const size_t caret = std::min<size_t>(at.column == 0 ? 0 : at.column - 1, cells.size());
  const size_t first = caret > kWidest - 20 ? caret - kWidest / 2 : 0;
  std::string shown_line = first > 0 ? "…" : "";
  std::string below = first > 0 ? " " : "";
  for (size_t i = first; i < cells.size(); ++i) {
    if (i - first >= kWidest) {
      shown_line += "…";
      break;
    }
    shown_line += cells[i];
    const bool marked = i == caret || (i > caret && i < caret + at.length);
    const char mark = i == caret ? '^' : '~';
    if (i <= caret || marked) {
      const size_t width = width_of(cells[i]);
      below += marked ? mark + std::string(width - 1, '~') : std::string(width, ' ');
    }
  }
  if (caret == cells.size()) below += '^';
  return fmt::format("  {}\n  {}", shown_line, below);
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
  if (known.empty()) return "";
  const std::string_view meant = did_you_mean(word, known);
  if (!meant.empty()) return fmt::format(" (did you mean {}?)", quoted(meant));
  std::string names;
  for (const std::string_view name : known) names += (names.empty() ? "" : ", ") + visible(name);
  return fmt::format(" (there {}: {})", known.size() == 1 ? "is only" : "are", names);
}

std::string suggestion_for(const Value& value, const std::vector<std::string_view>& known) {
  return suggestion(value.written.empty() ? std::string_view(value.text) : std::string_view(), known);
}

void Complaints::add(const Place& at, std::string message) {
  items_.push_back({at, std::move(message)});
}

std::string Complaints::text() const {
  std::vector<Item> sorted = items_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Item& a, const Item& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
  std::string out;
  for (const Item& item : sorted) {
    if (!out.empty()) out += '\n';
    if (item.at.line == 0) {
      out += fmt::format("{}: {}", visible(file_), item.message);
      continue;
    }
    out += fmt::format("{}:{}:{}: {}", visible(file_), item.at.line, item.at.column, item.message);
    if (const std::string lines = excerpt(text_, item.at); !lines.empty()) out += "\n" + lines;
  }
  return out;
}

Status Complaints::status() const {
  return items_.empty() ? Status() : Status::bad_config(text());
}

}  // namespace leat
