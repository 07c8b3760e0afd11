#pragma once

// A bounded memory of 128-bit hashes: what was put in lately is known, what was put in long ago may be forgotten. It
// never claims to know what it was not given. One thread (the aggregate's).
//
// Two open-addressing tables of at most half the bytes each. New hashes go into the first; when that is full the
// second is emptied and they change places. A hash found in the second one is moved to the first, so what is in use
// stays.

#include <cstddef>
#include <vector>

#include "base/hash.h"

namespace leat {

class KnownSet {
 public:
  // At most `bytes` of memory (at least 2 KiB are used); SIZE_MAX: as much as it takes, nothing is forgotten.
  explicit KnownSet(size_t bytes);

  // Fetches what insert() of this hash will look at first: worth it for many hashes at a time.
  void prefetch(const Hash128& hash) const { __builtin_prefetch(&young_.slots[hash.low & (young_.slots.size() - 1)]); }
  // True when `hash` was not known. It is now.
  bool insert(Hash128 hash);
  void clear();
  [[nodiscard]] size_t memory_bytes() const {
    return (young_.slots.capacity() + old_.slots.capacity()) * sizeof(Hash128);
  }

 private:
  struct Table {
    std::vector<Hash128> slots;  // a power of two; {0, 0} is a free one
    size_t used = 0;
    // Where `hash` is or could be put.
    [[nodiscard]] size_t find(const Hash128& hash) const;
    [[nodiscard]] bool full() const { return used * 4 >= slots.size() * 3; }
    void reset(size_t size);
  };
  void make_room();

  size_t most_slots_;
  Table young_;
  Table old_;
};

}  // namespace leat
