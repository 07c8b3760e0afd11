#pragma once

// The keys of the buckets, numbered from 0 in the order in which they were first seen: an open-addressing table (linear
// probing) over rows of key cells; text is copied into an arena. One thread (the aggregate's); const calls look only.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregates/key.h"
#include "base/hash.h"

namespace leat {

// A row and the bucket it belongs to.
struct Placed {
  uint32_t row = 0;
  uint32_t bucket = 0;
};

class BucketTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // `text[k]`: key k is text. `seed` keeps whoever writes the data from choosing keys that collide.
  BucketTable(std::vector<bool> text, uint64_t seed);

  [[nodiscard]] size_t size() const { return hashes_.size(); }
  // Of the bucket whose keys `cells` (one for each key) has; text is in `texts`.
  [[nodiscard]] uint32_t find(const KeyCell* cells, const Texts& texts) const;
  uint32_t find_or_add(const KeyCell* cells, const Texts& texts);
  // The buckets of rows first, first + 1, … into out[0], out[1], …; their cells follow each other. Buckets that are not
  // there are added.
  void place(const KeyCell* cells, const Texts& texts, uint32_t first, size_t count, Placed* out);

  // The buckets of another table, of the same keys and seed: where they are here into out[0], out[1], …
  void add_all(const BucketTable& other, uint32_t* out);

  [[nodiscard]] const KeyCell& key(size_t bucket, size_t key) const { return keys_[bucket * width_ + key]; }
  [[nodiscard]] std::string_view text(size_t bucket, size_t k) const { return text_of(key(bucket, k).bits); }
  // The same for equal keys, whatever the bucket's number.
  [[nodiscard]] Hash128 identity(size_t bucket) const;

  [[nodiscard]] size_t memory_bytes() const {
    return slots_.capacity() * sizeof(Slot) + hashes_.capacity() * sizeof(uint64_t) +
           keys_.capacity() * sizeof(KeyCell) + arena_.capacity();
  }
  // Of these, what the buckets need that are there.
  [[nodiscard]] size_t used_bytes() const {
    return size() * (2 * sizeof(Slot) + sizeof(uint64_t) + width_ * sizeof(KeyCell)) + arena_.size();
  }
  void clear();

 private:
  // Most misses are seen here, without a look at the keys.
  struct Slot {
    uint32_t bucket = kNone;
    uint32_t tag = 0;  // of the hash
  };
  [[nodiscard]] static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  [[nodiscard]] std::string_view text_of(uint64_t bits) const {
    return {arena_.data() + text_offset(bits), text_length(bits)};
  }
  [[nodiscard]] uint64_t hash(const KeyCell* cells, const Texts& texts) const;
  [[nodiscard]] bool equal(uint32_t bucket, const KeyCell* cells, const Texts& texts) const;
  // The slot that holds the bucket, or the free one where it belongs.
  [[nodiscard]] size_t slot(uint64_t hash, const KeyCell* cells, const Texts& texts) const;
  uint32_t find_or_add(uint64_t hash, const KeyCell* cells, const Texts& texts);
  void add(uint64_t hash, const KeyCell* cells, const Texts& texts);
  void grow();

  std::vector<bool> text_;
  size_t width_;   // keys
  bool any_text_;  // of them
  uint64_t seed_;
  std::vector<Slot> slots_;       // a power of two
  std::vector<uint64_t> hashes_;  // of each bucket's keys
  std::vector<KeyCell> keys_;     // the keys of bucket 0, of bucket 1, …
  std::string arena_;
};

}  // namespace leat
