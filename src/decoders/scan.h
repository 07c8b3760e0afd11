#pragma once

// Finding the bytes that matter in a log line, 16 at a time where the processor has SSE2. Pure functions; any thread.
//
// Both stop at bytes that are not plain ASCII text, so that who calls them learns at no cost whether the text can stay
// as it is. A line's end is such a byte: a scan that begins within a line stops at its end at the latest, provided that
// `limit`, the end of what may be read, lies at or behind it.

#include <bit>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace leat {

constexpr bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\';
}

// The first byte of [at, limit) that is '"', '\', a control character or not ASCII; `limit` if there is none.
// With `word`, a space is such a byte too.
template <bool word>
inline const char* skip_plain(const char* at, const char* limit) {
#if defined(__SSE2__)
  const __m128i lowest = _mm_set1_epi8(word ? ' ' + 1 : ' ');
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i del = _mm_set1_epi8('\x7F');
  while (limit - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmplt_epi8(bytes, lowest);  // signed: bytes from 80 on are below as well
    const __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
    const __m128i stops = _mm_or_si128(_mm_or_si128(low, marks), _mm_cmpeq_epi8(bytes, del));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(stops));
    if (mask != 0) return at + std::countr_zero(mask);
    at += 16;
  }
#endif
  while (at < limit && is_plain(*at) && (!word || *at != ' ')) ++at;
  return at;
}

}  // namespace leat
