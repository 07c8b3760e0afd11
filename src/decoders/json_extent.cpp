#include "decoders/json_extent.h"

#include <algorithm>

namespace leat {
namespace {

constexpr size_t kBlock = 64;

#if defined(__SSE2__)

// One bit for each byte of a block.
struct Marks {
  uint64_t quotes = 0;
  uint64_t backslashes = 0;
  uint64_t opening = 0;  // '{' and '['
  uint64_t closing = 0;
};

Marks marks_of(const char* block) {
  Marks marks;
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i fold = _mm_set1_epi8(0x20);  // '[' and ']' become '{' and '}'; no other byte does
  const __m128i open = _mm_set1_epi8('{');
  const __m128i close = _mm_set1_epi8('}');
  const auto bits = [](__m128i equal) {
    return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(equal)));
  };
  for (size_t i = 0; i < kBlock; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i));
    const __m128i folded = _mm_or_si128(bytes, fold);
    marks.quotes |= bits(_mm_cmpeq_epi8(bytes, quote)) << i;
    marks.backslashes |= bits(_mm_cmpeq_epi8(bytes, backslash)) << i;
    marks.opening |= bits(_mm_cmpeq_epi8(folded, open)) << i;
    marks.closing |= bits(_mm_cmpeq_epi8(folded, close)) << i;
  }
  return marks;
}

// The bytes that a '\' stands before, where '\\' is one escaped '\'. `*carry`: whether the first byte of this block,
// then of the next one, is.
uint64_t escaped_bytes(uint64_t backslashes, bool* carry) {
  uint64_t escaped = *carry ? 1 : 0;
  *carry = false;
  for (uint64_t left = backslashes & ~escaped; left != 0;) {
    const int at = std::countr_zero(left);
    if (at == 63) {
      *carry = true;
      break;
    }
    escaped |= 2ULL << at;
    left &= ~(3ULL << at);
  }
  return escaped;
}

// Bit i: whether an odd number of bits up to i is set.
uint64_t parity_up_to(uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

#endif

}  // namespace

size_t JsonExtent::take(std::string_view bytes, bool* ended) {
  *ended = false;
  if (bytes.empty()) return 0;
  if (what_ == What::unknown) {
    const char first = bytes.front();
    what_ = first == '{' || first == '[' ? What::container : first == '"' ? What::string : What::scalar;
  }
  switch (what_) {
    case What::container:
      return take_container(bytes, ended);
    case What::string:
      return take_string(bytes, ended);
    default:
      return take_scalar(bytes, ended);
  }
}

size_t JsonExtent::take_container(std::string_view bytes, bool* ended) {
  size_t at = 0;
#if defined(__SSE2__)
  for (; bytes.size() - at >= kBlock; at += kBlock) {
    const Marks marks = marks_of(bytes.data() + at);
    const uint64_t escaped = marks.backslashes == 0 && !escaped_ ? 0 : escaped_bytes(marks.backslashes, &escaped_);
    const uint64_t strings = parity_up_to(marks.quotes & ~escaped) ^ (in_string_ ? ~0ULL : 0);
    const uint64_t opening = marks.opening & ~strings;
    const uint64_t closing = marks.closing & ~strings;
    if (static_cast<uint64_t>(std::popcount(closing)) < depth_) {
      depth_ += static_cast<uint64_t>(std::popcount(opening)) - static_cast<uint64_t>(std::popcount(closing));
    } else {
      for (uint64_t both = opening | closing; both != 0; both &= both - 1) {
        const int bit = std::countr_zero(both);
        if ((opening >> bit & 1) != 0) {
          ++depth_;
        } else if (--depth_ == 0) {
          *ended = true;
          return at + static_cast<size_t>(bit) + 1;
        }
      }
    }
    in_string_ = (strings >> 63) != 0;
  }
#endif
  for (; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (escaped_) {
      escaped_ = false;
      if (c == '"' || c == '\\') continue;
    } else if (c == '\\') {
      escaped_ = true;
      continue;
    } else if (c == '"') {
      in_string_ = !in_string_;
      continue;
    }
    if (in_string_) continue;
    if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      *ended = true;
      return at + 1;
    }
  }
  return at;
}

size_t JsonExtent::take_string(std::string_view bytes, bool* ended) {
  for (size_t at = in_string_ ? 0 : 1; at < bytes.size(); ++at) {
    in_string_ = true;
    if (escaped_) {
      escaped_ = false;
    } else if (bytes[at] == '\\') {
      escaped_ = true;
    } else if (bytes[at] == '"') {
      *ended = true;
      return at + 1;
    }
  }
  in_string_ = true;
  return bytes.size();
}

size_t JsonExtent::take_scalar(std::string_view bytes, bool* ended) {
  const size_t at = bytes.find_first_of(",]} \t\r\n[{\":");
  *ended = at != std::string_view::npos;
  return std::min(at, bytes.size());
}

}  // namespace leat
