#pragma once

// 64 bytes at a time, compared with a byte: bit i of a mask stands for byte i. Pure functions; any thread.

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace leat {

class Block64 {
 public:
  static constexpr size_t kBytes = 64;

#if defined(__SSE2__)
  // 64 bytes from `at` on.
  explicit Block64(const char* at) {
    const auto* blocks = reinterpret_cast<const __m128i*>(at);
    for (int i = 0; i < 4; ++i) block_[i] = _mm_loadu_si128(blocks + i);
  }

  [[nodiscard]] uint64_t equal(char c) const {
    const __m128i all = _mm_set1_epi8(c);
    uint64_t mask = 0;
    for (int i = 0; i < 4; ++i) {
      const auto bits = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(block_[i], all)));
      mask |= static_cast<uint64_t>(bits) << (16 * i);
    }
    return mask;
  }

 private:
  __m128i block_[4];
#else
  explicit Block64(const char* at) {
    std::memcpy(block_, at, kBytes);
  }

  [[nodiscard]] uint64_t equal(char c) const {
    uint64_t mask = 0;
    for (size_t i = 0; i < kBytes; ++i) mask |= static_cast<uint64_t>(block_[i] == c) << i;
    return mask;
  }

 private:
  char block_[kBytes];
#endif

 public:
  // Of the last `size` bytes of a text, fewer than 64; those behind it equal nothing but '\0'.
  static Block64 rest(const char* at, size_t size) {
    char bytes[kBytes] = {};
    std::memcpy(bytes, at, size);
    return Block64(bytes);
  }
};

}  // namespace leat
