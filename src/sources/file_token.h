#pragma once

// The token of a file generation's position, and what identifies the generation: docs/formats/file-source.md.
// Plain values; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/status.h"
#include "os/file_system.h"

namespace leat {

constexpr size_t kHeadBytes = 1024;
constexpr size_t kTailBytes = 256;
constexpr size_t kTellingBytes = 64;  // fewer first bytes may be those of many a log

// A hash of `length` bytes.
struct Fingerprint {
  uint64_t length = 0;
  Hash128 hash;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

Fingerprint fingerprint_of(std::string_view bytes);

struct FileToken {
  uint64_t line = 0;
  Fingerprint head;
  Fingerprint tail;
  os::FileInfo info;  // device, inode, birth, size, mtime
  bool done = false;
  std::optional<Fingerprint> held;  // length: the offset after the provisional record
  std::optional<Fingerprint> seen;  // of the first bytes, while nothing is delivered
  std::string cutter;

  [[nodiscard]] std::string text() const;
  // bug: not a token of this form (a database edited by hand); the message shows it.
  static Result<FileToken> parse(std::string_view text);
};

// "/logs/a.log#12" → {"/logs/a.log", 12}. Nothing when it is not such a name.
struct PartName {
  std::string family;
  uint64_t number = 0;
};
std::optional<PartName> parse_part(std::string_view part);

}  // namespace leat
