#pragma once

// The hashes this program stores or compares: XXH3 (xxhash.com), which does not change between versions or machines.
// Pure functions; any thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace leat {

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

uint64_t hash64(std::string_view bytes);
uint64_t hash64(std::string_view bytes, uint64_t seed);
Hash128 hash128(std::string_view bytes);
Hash128 hash128(std::string_view bytes, uint64_t seed);

// hash128 of bytes that come piece by piece.
class Hasher128 {
 public:
  Hasher128();
  Hasher128(const Hasher128&) = delete;
  Hasher128& operator=(const Hasher128&) = delete;
  ~Hasher128();
  void add(std::string_view bytes);
  [[nodiscard]] Hash128 hash() const;  // of all that was added

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 32 lower-case hexadecimal digits, high half first.
std::string hex(const Hash128& hash);

// splitmix64's finalizer: a bijection of 64-bit numbers. The digest of a range is the sum, modulo 2^64, of mix64 of
// the byte offsets of its rows and rejects (docs/formats/database.md).
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace leat
