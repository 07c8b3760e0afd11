#pragma once

// Which files are lives of one log, and in which order: docs/formats/file-source.md, "Families". Pure functions.

#include <cstdint>
#include <string>
#include <string_view>

namespace leat {

enum class Rotation : uint8_t { live, numbered, dated };

// A file's place in its family.
struct Member {
  std::string family;  // the live path
  Rotation rotation = Rotation::live;
  uint64_t number = 0;      // of ".N"
  std::string date;         // of "-DATE"
  bool compressed = false;  // and ".gz" or ".zst" behind it
};

Member member_of(std::string_view path);
// "a.log.1.gz" → "a.log.1"; others as they are.
std::string_view plain_path_of(std::string_view path);

// True when `a` is older than `b`; members of one family. Different kinds of suffix: by time of last change. A
// compressed file counts as newer than the plain one beside it, so that the plain one is read.
bool is_older(const Member& a, int64_t a_mtime_ns, const Member& b, int64_t b_mtime_ns);

std::string_view directory_of(std::string_view path);  // "/logs/a.log" → "/logs"; "a.log" → "."
std::string_view file_name_of(std::string_view path);

}  // namespace leat
