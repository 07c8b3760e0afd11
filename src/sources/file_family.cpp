#include "sources/file_family.h"

#include <algorithm>
#include <charconv>

#include "sources/decompressor.h"

namespace leat {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_date(std::string_view text) {
  const auto digits = static_cast<size_t>(std::count_if(text.begin(), text.end(), is_digit));
  const auto leading = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  const bool all_allowed = std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || c == '-' || c == '_' || c == 'T' || c == ':' || c == '.';
  });
  if (!all_allowed || digits < 8 || text.empty() || !is_digit(text.back())) return false;
  return leading >= 6 || (leading == 4 && text.size() >= 10 && text[4] == '-' && text[7] == '-');
}

}  // namespace

std::string_view file_name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view directory_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? std::string_view("/") : path.substr(0, slash);
}

std::string_view plain_path_of(std::string_view path) {
  if (compression_of_name(path) == Compression::none) return path;
  const std::string_view plain = path.substr(0, path.rfind('.'));
  return file_name_of(plain).empty() ? path : plain;
}

Member member_of(std::string_view path) {
  Member member;
  member.compressed = plain_path_of(path).size() != path.size();
  path = plain_path_of(path);
  member.family = path;
  const size_t name_start = path.size() - file_name_of(path).size();
  // The earliest separator after which everything is a date; else ".N".
  for (size_t i = name_start + 1; i + 1 < path.size(); ++i) {
    if ((path[i] == '-' || path[i] == '.') && is_digit(path[i + 1]) && is_date(path.substr(i + 1))) {
      member.family = path.substr(0, i);
      member.rotation = Rotation::dated;
      member.date = path.substr(i + 1);
      return member;
    }
  }
  const size_t dot = path.rfind('.');
  if (dot != std::string_view::npos && dot > name_start && path.size() - dot - 1 >= 1 && path.size() - dot - 1 <= 3 &&
      std::all_of(path.begin() + static_cast<std::ptrdiff_t>(dot) + 1, path.end(), is_digit)) {
    member.family = path.substr(0, dot);
    member.rotation = Rotation::numbered;
    std::from_chars(path.data() + dot + 1, path.data() + path.size(), member.number);
  }
  return member;
}

bool is_older(const Member& a, int64_t a_mtime_ns, const Member& b, int64_t b_mtime_ns) {
  if (a.rotation != b.rotation && (a.rotation == Rotation::live || b.rotation == Rotation::live)) {
    return b.rotation == Rotation::live;
  }
  if (a.rotation == b.rotation) {
    if (a.number != b.number) return a.number > b.number;
    if (a.date != b.date) return a.date < b.date;
    return a.rotation == Rotation::live ? a.compressed && !b.compressed : !a.compressed && b.compressed;
  }
  return a_mtime_ns < b_mtime_ns;
}

}  // namespace leat
