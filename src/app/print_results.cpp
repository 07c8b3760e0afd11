#include "app/print_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "app/talk.h"
#include "base/text.h"
#include "base/text_width.h"
#include "base/time.h"

namespace leat::app {
namespace {

constexpr size_t kWidestText = 60;

size_t keys_of(const std::vector<ResultColumn>& columns) {
  return static_cast<size_t>(std::count_if(columns.begin(), columns.end(), [](const auto& c) { return c.key; }));
}

std::vector<size_t> all_rows(const Results& results, size_t table) {
  std::vector<size_t> rows(results.rows(table));
  std::iota(rows.begin(), rows.end(), size_t{0});
  return rows;
}

// By keys, NULL first.
bool comes_first(const Results& results, size_t table, size_t a, size_t b) {
  const size_t keys = keys_of(results.columns(table));
  for (size_t key = 0; key < keys; ++key) {
    const ResultCell left = results.cell(table, a, key);
    const ResultCell right = results.cell(table, b, key);
    if (left != right) return left < right;
  }
  return false;
}

std::vector<size_t> in_order(const Results& results, size_t table) {
  std::vector<size_t> rows = all_rows(results, table);
  std::sort(rows.begin(), rows.end(), [&](size_t a, size_t b) { return comes_first(results, table, a, b); });
  return rows;
}

// At most `most` rows: all by their keys, or those with the largest first measure, largest first.
std::vector<size_t> chosen(const Results& results, size_t table, size_t most) {
  if (results.rows(table) <= most) return in_order(results, table);
  const size_t measure = keys_of(results.columns(table));
  std::vector<size_t> rows = all_rows(results, table);
  const auto better = [&](size_t a, size_t b) {
    const ResultCell left = results.cell(table, a, measure);
    const ResultCell right = results.cell(table, b, measure);
    return left != right ? right < left : comes_first(results, table, a, b);
  };
  std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(most), rows.end(), better);
  rows.resize(most);
  return rows;
}

size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string whole_number(int64_t number) {
  const std::string digits =
      with_commas(number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number));
  return number < 0 ? "-" + digits : digits;
}

std::string shown(const ResultCell& cell, const ResultColumn& column) {
  if (std::holds_alternative<std::monostate>(cell)) return "NULL";
  if (const auto* number = std::get_if<int64_t>(&cell)) {
    if (column.type == Type::time) return format_time(*number);
    return column.key ? std::to_string(*number) : whole_number(*number);
  }
  if (const auto* real = std::get_if<double>(&cell)) return fmt::format("{}", *real);
  const std::string_view text = std::get<std::string_view>(cell);
  return text.empty() ? "''" : shorten_end(visible(text, 4 * kWidestText), kWidestText);
}

bool to_the_right(const ResultColumn& column) {
  return column.type == Type::integer || column.type == Type::real || column.type == Type::boolean;
}

std::string table_text(const Results& results, size_t table, size_t most_rows) {
  const std::vector<ResultColumn>& columns = results.columns(table);
  std::vector<std::vector<std::string>> lines(1);
  for (const ResultColumn& column : columns) lines[0].push_back(visible(column.name));
  for (const size_t row : chosen(results, table, most_rows)) {
    std::vector<std::string>& line = lines.emplace_back();
    for (size_t c = 0; c < columns.size(); ++c) line.push_back(shown(results.cell(table, row, c), columns[c]));
  }
  std::vector<size_t> widths(columns.size());
  for (const auto& line : lines) {
    for (size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], width_of(line[c]));
  }
  std::string out = visible(results.name(table));
  const size_t rows = results.rows(table);
  if (rows > most_rows) {
    out += fmt::format(": {} of {} rows, those with the largest {} (--json gives all)", most_rows, with_commas(rows),
                       visible(columns[keys_of(columns)].name));
  }
  out += '\n';
  for (const auto& line : lines) {
    std::string text;
    for (size_t c = 0; c < line.size(); ++c) {
      const std::string padding(widths[c] - width_of(line[c]), ' ');
      text += "  " + (to_the_right(columns[c]) ? padding + line[c] : line[c] + padding);
    }
    out += text.substr(0, text.find_last_not_of(' ') + 1) + '\n';
  }
  return out;
}

void cell_to_json(JsonWriter& json, const ResultCell& cell, const ResultColumn& column) {
  if (std::holds_alternative<std::monostate>(cell)) {
    json.null();
  } else if (const auto* number = std::get_if<int64_t>(&cell)) {
    if (column.type == Type::time) {
      json.value(std::string_view(format_time(*number)));
    } else if (column.type == Type::boolean) {
      json.value(*number != 0);
    } else {
      json.value(*number);
    }
  } else if (const auto* real = std::get_if<double>(&cell)) {
    json.value(*real);
  } else {
    json.value(std::get<std::string_view>(cell));
  }
}

}  // namespace

std::string results_text(const Results& results, size_t most_rows) {
  std::string out;
  for (size_t table = 0; table < results.tables(); ++table) {
    if (table > 0) out += '\n';
    out += table_text(results, table, most_rows);
  }
  return out;
}

void results_to_json(JsonWriter& json, const Results& results) {
  json.begin_array();
  for (size_t table = 0; table < results.tables(); ++table) {
    const std::vector<ResultColumn>& columns = results.columns(table);
    json.begin_object().field("table", std::string_view(results.name(table))).key("columns").begin_array();
    for (const ResultColumn& column : columns) json.value(std::string_view(column.name));
    json.end_array().key("rows").begin_array();
    for (const size_t row : in_order(results, table)) {
      json.begin_array();
      for (size_t c = 0; c < columns.size(); ++c) cell_to_json(json, results.cell(table, row, c), columns[c]);
      json.end_array();
    }
    json.end_array().end_object();
  }
  json.end_array();
}

}  // namespace leat::app
