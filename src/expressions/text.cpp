#include <algorithm>

#include "expressions/like.h"
#include "expressions/node.h"
#include "lookup/web_address.h"

namespace leat::expressions {
namespace {

using Views = std::array<View, 3>;
using Cell = std::optional<uint64_t>;

bool continues_character(char c) {
  return (c & 0xC0) == 0x80;
}

int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); });
}

// The byte at which character `number`, counted from 0, begins.
size_t byte_of_character(std::string_view text, int64_t number) {
  size_t at = 0;
  for (; number > 0 && at < text.size(); --number) {
    ++at;
    while (at < text.size() && continues_character(text[at])) ++at;
  }
  return at;
}

// Of a piece of the text that stands in `cell`.
uint64_t piece(uint64_t cell, size_t skipped, size_t length) {
  return pack_text(text_offset(cell) + skipped, length);
}

bool room(Block& block, size_t row, size_t bytes) {
  if (block.has_room(bytes)) return true;
  block.fail(row, [&] { return std::string("the text would be longer than 1 MiB"); });
  return false;
}

template <class Change>
Cell changed(Block& block, size_t row, uint64_t cell, const Change& change) {
  const std::string_view before = block.text(cell);
  if (std::all_of(before.begin(), before.end(), [&](char c) { return change(c) == c; })) return cell;
  if (!room(block, row, before.size())) return std::nullopt;
  std::string after(before);
  std::transform(after.begin(), after.end(), after.begin(), change);
  return block.append(after);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

Cell trimmed(Block& block, uint64_t cell) {
  const std::string_view text = block.text(cell);
  const size_t first = std::min(text.find_first_not_of(' '), text.size());
  const size_t last = text.find_last_not_of(' ');
  return piece(cell, first, last == std::string_view::npos ? 0 : last + 1 - first);
}

// As SQLite does it, also with a START of 0 and one before the beginning.
Cell substring(Block& block, const Views& views, size_t row) {
  const uint64_t cell = views[0].cell(row);
  const std::string_view text = block.text(cell);
  auto start = static_cast<int64_t>(views[1].cell(row));
  int64_t length = views[2].cells == nullptr ? INT64_MAX : static_cast<int64_t>(views[2].cell(row));
  if (length < 0) {
    block.fail(row, [&] { return "substr() to a LENGTH of " + std::to_string(length); });
    return std::nullopt;
  }
  if (start < 0) {
    start += characters(text);
    if (start < 0) {
      length = std::max<int64_t>(0, length + start);
      start = 0;
    }
  } else if (start > 0) {
    --start;
  } else if (length > 0) {
    --length;
  }
  const size_t from = byte_of_character(text, start);
  return piece(cell, from, byte_of_character(text.substr(from), length));
}

Cell replaced(Block& block, const Views& views, size_t row) {
  const uint64_t cell = views[0].cell(row);
  std::string_view text = block.text(cell);
  const std::string_view old = block.text(views[1].cell(row));
  const std::string_view instead = block.text(views[2].cell(row));
  size_t at = old.empty() ? std::string_view::npos : find_text(text, old);
  if (at == std::string_view::npos) return cell;
  std::string after;
  while (at != std::string_view::npos) {
    if (!room(block, row, after.size() + text.size() + instead.size())) return std::nullopt;
    after.append(text.substr(0, at)).append(instead);
    text.remove_prefix(at + old.size());
    at = find_text(text, old);
  }
  return block.append(after.append(text));
}

Cell joined(Block& block, const Views& views, size_t row) {
  const uint64_t left = views[0].cell(row);
  const uint64_t right = views[1].cell(row);
  if (text_length(left) == 0) return right;
  if (text_length(right) == 0) return left;
  const size_t bytes = text_length(left) + text_length(right);
  if (!room(block, row, bytes)) return std::nullopt;
  const uint64_t cell = block.append(block.text(left));
  block.append(block.text(right));
  return pack_text(text_offset(cell), bytes);
}

Cell path_cell(Block& block, uint64_t cell) {
  const std::string_view target = block.text(cell);
  const std::string_view path = path_of(target);
  return piece(cell, path.empty() ? 0 : static_cast<size_t>(path.data() - target.data()), path.size());
}

Cell site_cell(Block& block, size_t row, uint64_t cell) {
  const std::string_view referer = block.text(cell);
  const std::string_view site = site_of_referer(referer);
  if (site.empty()) return std::nullopt;
  return changed(block, row, piece(cell, static_cast<size_t>(site.data() - referer.data()), site.size()), lower);
}

Cell text_cell(Function function, Block& block, const Views& views, size_t row) {
  const uint64_t cell = views[0].cell(row);
  switch (function) {
    case Function::lower:
      return changed(block, row, cell, lower);
    case Function::upper:
      return changed(block, row, cell, upper);
    case Function::trim:
      return trimmed(block, cell);
    case Function::length:
      return static_cast<uint64_t>(characters(block.text(cell)));
    case Function::substr:
      return substring(block, views, row);
    case Function::replace:
      return replaced(block, views, row);
    case Function::concat:
      return joined(block, views, row);
    case Function::path:
      return path_cell(block, cell);
    case Function::referrer:
      return site_cell(block, row, cell);
    case Function::starts_with:
      return block.text(cell).starts_with(block.text(views[1].cell(row)));
    case Function::ends_with:
      return block.text(cell).ends_with(block.text(views[1].cell(row)));
    default:  // contains
      return find_text(block.text(cell), block.text(views[1].cell(row))) != std::string_view::npos;
  }
}

Type type_of(Function function) {
  if (function == Function::length) return Type::integer;
  const bool asks =
      function == Function::starts_with || function == Function::ends_with || function == Function::contains;
  return asks ? Type::boolean : Type::text;
}

}  // namespace

NodePtr make_text_function(Function function, size_t slot, Nodes arguments) {
  return row_by_row(
      type_of(function), slot, std::move(arguments),
      [function](Block& block, const Views& views, size_t row) { return text_cell(function, block, views, row); });
}

NodePtr make_like(size_t slot, NodePtr text, const std::string& pattern, std::optional<char> escape) {
  Nodes arguments;
  arguments.push_back(std::move(text));
  return row_by_row(Type::boolean, slot, std::move(arguments),
                    [like = LikePattern(pattern, escape)](Block& block, const Views& views, size_t row) -> Cell {
                      return like.matches(block.text(views[0].cell(row)));
                    });
}

}  // namespace leat::expressions
