#include "sinks/files_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

constexpr std::string_view kNothing = "__HIVE_DEFAULT_PARTITION__";
constexpr size_t kLongest = 180;      // bytes of a cell in a name
constexpr size_t kLongestName = 255;  // of a folder, as file systems have it

constexpr std::array<std::pair<std::string_view, size_t>, 4> kTimes{
    {{"year", 4}, {"month", 7}, {"day", 10}, {"hour", 13}}};

std::string text_of(const RecordBatch& batch, size_t column, size_t row) {
  if (batch.is_null(column, row)) return {};
  switch (batch.schema().fields[column].type) {
    case Type::boolean:
      return batch.integer(column, row) != 0 ? "true" : "false";
    case Type::integer:
      return std::to_string(batch.integer(column, row));
    case Type::real:
      return fmt::format("{}", batch.real(column, row));
    case Type::time:
      return format_time(batch.integer(column, row));
    default:
      return std::string(batch.text(column, row));
  }
}

}  // namespace

std::string files_root(const std::string& path) {
  const size_t brace = path.find('{');
  if (brace == std::string::npos) return path;
  const size_t slash = path.rfind('/', brace);
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string folder_name_of(std::string_view cell) {
  if (cell.empty()) return std::string(kNothing);
  if (cell == kBooksFolder) return "%5Fleat";
  std::string name;
  for (const char c : cell) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == ':' || (c == '.' && !name.empty()) || static_cast<unsigned char>(c) >= 0x80;
    if (plain) {
      name += c;
    } else {
      fmt::format_to(std::back_inserter(name), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return name;
}

Result<FilesPath> FilesPath::make(const std::string& path, const std::string& time, const std::string& table,
                                  const Schema& schema) {
  FilesPath made;
  std::string_view rest = path;
  const std::string root = files_root(path);
  if (root != ".") rest.remove_prefix(std::min(rest.size(), root.size()));
  if (rest.starts_with('/')) rest.remove_prefix(1);
  const auto wrong = [&](const std::string& what) {
    return Status::bad_config(fmt::format("path {} of a sink of type 'files': {}", quoted(path), what));
  };
  const auto add_text = [&](std::string_view text) {
    if (made.pieces_.empty() || made.pieces_.back().column) made.pieces_.emplace_back();
    made.pieces_.back().text += text;
  };
  while (!rest.empty()) {
    const size_t brace = std::min(rest.find('{'), rest.size());
    add_text(rest.substr(0, brace));
    rest.remove_prefix(brace);
    if (rest.empty()) break;
    const size_t end = rest.find('}');
    if (end == std::string_view::npos) return wrong("a '{' without its '}'");
    const std::string name(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
    if (name == "table") {
      add_text(folder_name_of(table));
      continue;
    }
    Piece piece;
    const auto* const unit =
        std::find_if(kTimes.begin(), kTimes.end(), [&](const auto& each) { return each.first == name; });
    piece.column = schema.find(name);
    if (!piece.column && unit != kTimes.end()) {
      piece.time_digits = unit->second;
      if (!time.empty()) {
        piece.column = schema.find(time);
      } else {
        const auto first = std::find_if(schema.fields.begin(), schema.fields.end(),
                                        [](const Field& field) { return field.type == Type::time; });
        if (first != schema.fields.end()) piece.column = static_cast<size_t>(first - schema.fields.begin());
      }
      if (!piece.column || schema.fields[*piece.column].type != Type::time) {
        return wrong(fmt::format("{{{}}} needs a column of type time; {}", name,
                                 time.empty() ? "there is none, name another column in the path"
                                              : quoted(time) + " is none (option 'time')"));
      }
    }
    if (!piece.column) {
      std::vector<std::string> names;
      for (const Field& field : schema.fields) names.push_back(field.name);
      return wrong(fmt::format(
          "there is no column {}; there are {{table}}, {{year}}, {{month}}, {{day}}, {{hour}} and the columns {}",
          quoted(name), join(names, ", ")));
    }
    made.pieces_.push_back(std::move(piece));
    made.same_for_all_ = false;
  }
  return made;
}

Status FilesPath::folder(const RecordBatch& batch, size_t row, std::string& out) const {
  out.clear();
  for (const Piece& piece : pieces_) {
    if (!piece.column) {
      out += piece.text;
      continue;
    }
    std::string cell = text_of(batch, *piece.column, row);
    if (piece.time_digits > 0) {
      cell.resize(std::min(cell.size(), piece.time_digits));
      if (cell.size() == 13) cell[10] = 'T';
    }
    std::string name = folder_name_of(cell);
    if (name.size() > kLongest) {
      return Status::bad_data(fmt::format("column {}: {} is too long for the name of a folder ({} bytes at most)",
                                          quoted(batch.schema().fields[*piece.column].name), quoted(cell, 80),
                                          kLongest));
    }
    out += name;
  }
  for (size_t begin = 0; begin < out.size();) {
    const size_t end = std::min(out.find('/', begin), out.size());
    if (end - begin > kLongestName) {
      return Status::bad_data(fmt::format("the name of its folder would have {} bytes, {} are possible: {}",
                                          end - begin, kLongestName, quoted(out.substr(begin, end - begin), 80)));
    }
    begin = end + 1;
  }
  return {};
}

}  // namespace leat
