#include "db/sql.h"

#include <cstdint>
#include <cstring>

#include "base/text.h"

namespace leat {
namespace {

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  out += quote;
  return out;
}

}  // namespace

std::string sql_name(std::string_view name) {
  return doubled(name, '"');
}

std::string sql_text(std::string_view text) {
  return doubled(text, '\'');
}

bool is_plain_text(std::string_view bytes) {
  constexpr uint64_t kHigh = 0x8080808080808080ULL;
  constexpr uint64_t kOnes = 0x0101010101010101ULL;
  const auto suspect = [](const char* from) {
    uint64_t word = 0;
    std::memcpy(&word, from, sizeof(word));
    // `word - ones` borrows into a high bit where a byte is 0, if none had its high bit set before.
    return word | (word - kOnes);
  };
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  for (; end - at >= 32; at += 32) {
    if (((suspect(at) | suspect(at + 8) | suspect(at + 16) | suspect(at + 24)) & kHigh) != 0) break;
  }
  for (; end - at >= 8; at += 8) {
    if ((suspect(at) & kHigh) != 0) break;
  }
  while (at != end && *at > 0) ++at;
  if (at == end) return true;
  const std::string_view rest(at, static_cast<size_t>(end - at));
  return is_utf8(rest) && std::memchr(rest.data(), 0, rest.size()) == nullptr;
}

}  // namespace leat
