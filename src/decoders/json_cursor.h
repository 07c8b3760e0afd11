#pragma once

// Reads JSON (RFC 8259) strictly, token by token, in memory that is not changed: what the reader of records, the
// inference of columns and the ancestors' values share. Pure; one thread.
//
// Behind the text is memory that may be read up to a byte that is neither white space nor a digit, such as the NUL
// behind a std::string: so nothing has to be asked about the end at each byte.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace leat {

constexpr size_t kJsonDeepest = 1024;  // brackets in brackets

// The first byte of [at, limit) that may not stand in a string as it is: '"', '\' or a control character; `limit` if
// there is none. Sets `*high` when a byte before it is not ASCII.
inline const char* skip_string_bytes(const char* at, const char* limit, bool* high) {
#if defined(__SSE2__)
  // Two times 16, as most strings are shorter than that: one branch that is foreseen.
  const auto bits = [](__m128i first, __m128i second) {
    return static_cast<uint32_t>(_mm_movemask_epi8(first)) | static_cast<uint32_t>(_mm_movemask_epi8(second)) << 16;
  };
  const auto stops_in = [](__m128i bytes) {
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    return _mm_or_si128(control, _mm_or_si128(quote, backslash));
  };
  while (limit - at >= 32) {
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16));
    const uint32_t stops = bits(stops_in(first), stops_in(second));
    const uint32_t highs = bits(first, second);
    if (stops != 0) {
      if ((highs & (stops - 1) & ~stops) != 0) *high = true;
      return at + std::countr_zero(stops);
    }
    if (highs != 0) *high = true;
    at += 32;
  }
#endif
  for (; at < limit; ++at) {
    const auto byte = static_cast<unsigned char>(*at);
    if (byte < 0x20 || byte == '"' || byte == '\\') break;
    if (byte >= 0x80) *high = true;
  }
  return at;
}

// Appends what a string between its quotes means. What cannot be a text cell stays as it is written: \u0000, and a
// surrogate without its other half. `raw` is as JsonCursor::string() gave it.
void unescape_json(std::string_view raw, std::string& out);

struct JsonString {
  std::string_view raw;  // between the quotes
  bool escaped = false;  // raw holds a '\'
};

struct JsonNumber {
  static constexpr size_t kMostDigits = 18;  // of a mantissa that fits 64 bits for sure
  std::string_view raw;
  bool negative = false;
  bool power = false;     // it has an exponent
  size_t digits = 0;      // before the point
  size_t decimals = 0;    // behind it
  uint64_t mantissa = 0;  // all of them

  // It is written as an integer of 64 bits, and value() is it; else raw has to tell.
  [[nodiscard]] bool whole() const { return !power && decimals == 0 && digits <= kMostDigits; }
  // real() is the nearest double; else raw has to tell.
  [[nodiscard]] bool exact() const { return !power && digits + decimals <= kMostDigits && mantissa <= 1ULL << 53; }
  [[nodiscard]] int64_t value() const {
    return negative ? -static_cast<int64_t>(mantissa) : static_cast<int64_t>(mantissa);
  }
  // Of two numbers that are doubles exactly the quotient is rounded once (W. D. Clinger, 1990).
  [[nodiscard]] double real() const {
    static constexpr std::array<double, 19> kPowersOfTen{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                         1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    const double real = static_cast<double>(mantissa) / kPowersOfTen[decimals];
    return negative ? -real : real;
  }
};

// A text that is looked for often: its first bytes are compared at once.
struct JsonToken {
  explicit JsonToken(std::string written = {})
      : text(std::move(written)), mask((1U << std::min<size_t>(text.size(), 16)) - 1) {
    text.copy(first.data(), first.size());
  }
  std::string text;
  uint32_t mask;  // a bit for each byte of `first`
  std::array<char, 16> first{};
};

class JsonCursor {
 public:
  // `line`: the text ends at its first newline, wherever that stands.
  explicit JsonCursor(std::string_view text, bool line = false)
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), line_(line) {}

  [[nodiscard]] const char* at() const { return at_; }
  [[nodiscard]] bool at_end() const { return at_ >= end_ || (line_ && *at_ == '\n'); }
  [[nodiscard]] std::string_view since(const char* from) const { return {from, static_cast<size_t>(at_ - from)}; }
  // What is here behind white space; at the end anything (see at_end()).
  char next() {
    for (;; ++at_) {
      const char c = *at_;
      if (static_cast<unsigned char>(c) > ' ') return c;  // most often at once
      if (c == '\n' ? line_ : c != ' ' && c != '\t' && c != '\r') return c;
    }
  }
  void step() { ++at_; }
  // Steps over `token` when that is here.
  bool skip(std::string_view token) {
    if (end_ - at_ < static_cast<std::ptrdiff_t>(token.size()) || !same(at_, token.data(), token.size())) return false;
    at_ += token.size();
    return true;
  }
  bool skip(const JsonToken& token);

  // Each stands at what next() found. False: see trouble().
  bool string(JsonString* out);
  bool number(JsonNumber* out);
  bool literal(std::string_view word) { return skip(word) || fail("a value"); }
  bool value(size_t depth = 0);  // any value, passed over
  // Whether a number may stand here.
  bool value_begins() { return *at_ == '-' || static_cast<unsigned char>(*at_ - '0') < 10 || fail("a value"); }
  bool colon() { return next() == ':' ? (++at_, true) : fail("':'"); }
  // Behind a value of a container: true with `*more` when a ',' follows, without it after `close`.
  bool comma_or(char close, bool* more);

  // Whether only white space follows.
  bool nothing_more() {
    const bool beyond = at_ > end_;  // white space and a digit behind the text were taken for a part of it
    next();
    return (!beyond && at_end()) || fail("the end");
  }

  bool fail(const char* expected) {
    expected_ = expected;
    return false;
  }
  // "expected ':' at byte 17, found 'x'".
  [[nodiscard]] std::string trouble() const;

 private:
  // memcmp for short texts, without the call.
  static bool same(const char* a, const char* b, size_t size) {
    const auto word = [](const char* from, auto whole) {
      std::memcpy(&whole, from, sizeof whole);
      return whole;
    };
    if (size >= 8) {
      size_t i = 0;
      for (; i + 8 < size; i += 8) {
        if (word(a + i, uint64_t()) != word(b + i, uint64_t())) return false;
      }
      return word(a + size - 8, uint64_t()) == word(b + size - 8, uint64_t());
    }
    if (size >= 4) {
      return word(a, uint32_t()) == word(b, uint32_t()) &&
             word(a + size - 4, uint32_t()) == word(b + size - 4, uint32_t());
    }
    for (size_t i = 0; i < size; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }
  bool container(char close, size_t depth);
  size_t digits(uint64_t& mantissa);
  bool escape();
  bool exponent();
  bool well_encoded(std::string_view text);

  const char* begin_;
  const char* at_;
  const char* end_;
  const bool line_;
  const char* expected_ = "";
};

inline bool JsonCursor::skip(const JsonToken& token) {
#if defined(__SSE2__)
  if (end_ - at_ >= static_cast<std::ptrdiff_t>(token.first.size()) && token.text.size() <= token.first.size()) {
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at_));
    const __m128i wanted = _mm_loadu_si128(reinterpret_cast<const __m128i*>(token.first.data()));
    const auto equal = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(here, wanted)));
    if ((~equal & token.mask) != 0) return false;
    at_ += token.text.size();
    return true;
  }
#endif
  return skip(std::string_view(token.text));
}

inline bool JsonCursor::string(JsonString* out) {
  const char* const begin = ++at_;
  bool high = false;
  out->escaped = false;
  for (;;) {
    at_ = skip_string_bytes(at_, end_, &high);
    if (*at_ == '"' && at_ < end_) break;
    if (at_end()) return fail("'\"'");
    if (*at_ != '\\') return fail("'\"' or an escaped character");
    out->escaped = true;
    if (!escape()) return false;
  }
  out->raw = since(begin);
  if (high && !well_encoded(out->raw)) return false;
  ++at_;
  return true;
}

// Steps over digits, eight at a time, as how many there are cannot be foreseen. How many; `mantissa` gets them at its
// end.
inline size_t JsonCursor::digits(uint64_t& mantissa) {
  const char* const from = at_;
  if constexpr (std::endian::native == std::endian::little) {
    static constexpr std::array<uint64_t, 9> kPowersOfTen{1,      10,      100,      1000,     10000,
                                                          100000, 1000000, 10000000, 100000000};
    constexpr uint64_t kPairs = 0x000000FF000000FF;
    while (end_ - at_ >= 8) {
      uint64_t bytes = 0;
      std::memcpy(&bytes, at_, sizeof bytes);
      bytes ^= 0x3030303030303030;  // a digit becomes its value, any other byte more than 9
      // 0x80 in the first byte that is no digit; what is behind it may be wrong.
      const uint64_t others = ((bytes + 0x7676767676767676) | bytes) & 0x8080808080808080;
      const auto count = static_cast<size_t>(std::countr_zero(others)) / 8;
      if (count == 0) break;
      bytes <<= 64 - 8 * count;  // the last digit last, zeros before the first
      bytes = bytes * 10 + (bytes >> 8);
      bytes = ((bytes & kPairs) * (100 + (1000000ULL << 32)) + (bytes >> 16 & kPairs) * (1 + (10000ULL << 32))) >> 32;
      mantissa = mantissa * kPowersOfTen[count] + bytes;
      at_ += count;
      if (count < 8) break;
    }
  }
  while (static_cast<unsigned char>(*at_ - '0') < 10) mantissa = mantissa * 10 + static_cast<uint64_t>(*at_++ - '0');
  return static_cast<size_t>(at_ - from);
}

inline bool JsonCursor::number(JsonNumber* out) {
  const char* const begin = at_;
  out->negative = *at_ == '-';
  if (out->negative) ++at_;
  out->digits = digits(out->mantissa);
  if (out->digits == 0) return fail("a digit");
  if (out->digits > 1 && begin[out->negative ? 1 : 0] == '0') {
    at_ -= out->digits - 1;
    return fail("no digit behind the first 0");
  }
  if (*at_ == '.') {
    ++at_;
    out->decimals = digits(out->mantissa);
    if (out->decimals == 0) return fail("a digit");
  }
  if (*at_ == 'e' || *at_ == 'E') {
    out->power = true;
    if (!exponent()) return false;
  }
  out->raw = since(begin);
  return true;
}

inline bool JsonCursor::comma_or(char close, bool* more) {
  const char c = next();
  *more = c == ',';
  if (c != ',' && c != close) return fail(close == '}' ? "',' or '}'" : "',' or ']'");
  ++at_;
  return true;
}

}  // namespace leat
