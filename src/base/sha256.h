#pragma once

// SHA-256 (FIPS 180-4), for journals that other programs check with sha256sum. Not for secrets. Uses the processor's
// SHA instructions where it has them. One thread.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace leat {

class Sha256 {
 public:
  void add(std::string_view bytes);
  // 64 lower-case hexadecimal digits, of all bytes so far; more may be added afterwards.
  [[nodiscard]] std::string hex() const;

 private:
  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> block_{};
  uint64_t size_ = 0;
};

}  // namespace leat
