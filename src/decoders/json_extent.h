#pragma once

// How far one JSON value goes, by its brackets and strings alone, 64 bytes at a time; what is in it is not checked.
// Where the bytes are divided changes nothing. Pure; one thread.

#include <bit>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace leat {

class JsonExtent {
 public:
  // `bytes`: the value from its first byte on at the first call, then what follows. How many of them belong to it, with
  // `*ended`; or all of them. A number, true, false, null end before the first byte that cannot be part of them.
  size_t take(std::string_view bytes, bool* ended);

 private:
  enum class What : uint8_t { unknown, container, string, scalar };
  size_t take_container(std::string_view bytes, bool* ended);
  size_t take_string(std::string_view bytes, bool* ended);
  static size_t take_scalar(std::string_view bytes, bool* ended);

  What what_ = What::unknown;
  uint64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;  // the next byte is, by a '\' before it
};

}  // namespace leat
