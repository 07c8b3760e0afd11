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

class BucketTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // `text[k]`: key k is text. `seed` keeps whoever writes the data from choosing keys that collide.
  BucketTable(std::vector<bool> text, uint64_t seed) : text_(std::move(text)), seed_(seed) { clear(); }

  [[nodiscard]] size_t size() const { return hashes_.size(); }
  // Of the bucket whose keys `cells` (one for each key) has; text is in `arena`.
  [[nodiscard]] uint32_t find(const KeyCell* cells, std::string_view arena) const;
  uint32_t find_or_add(const KeyCell* cells, std::string_view arena);

  [[nodiscard]] const KeyCell& key(size_t bucket, size_t key) const { return keys_[bucket * text_.size() + key]; }
  [[nodiscard]] std::string_view text(size_t bucket, size_t k) const { return text_of(key(bucket, k).bits, arena_); }
  // The same for equal keys, whatever the bucket's number.
  [[nodiscard]] Hash128 identity(size_t bucket) const;

  void clear();

 private:
  [[nodiscard]] static std::string_view text_of(uint64_t bits, std::string_view arena) {
    return {arena.data() + text_offset(bits), text_length(bits)};
  }
  [[nodiscard]] uint64_t hash(const KeyCell* cells, std::string_view arena) const;
  [[nodiscard]] bool equal(uint32_t bucket, const KeyCell* cells, std::string_view arena) const;
  // The slot that holds the bucket, or the free one where it belongs.
  [[nodiscard]] size_t slot(uint64_t hash, const KeyCell* cells, std::string_view arena) const;
  void grow();

  std::vector<bool> text_;
  uint64_t seed_;
  std::vector<uint32_t> slots_;   // a power of two; bucket number or kNone
  std::vector<uint64_t> hashes_;  // of each bucket's keys
  std::vector<KeyCell> keys_;     // the keys of bucket 0, of bucket 1, …
  std::string arena_;
  uint32_t last_ = kNone;  // rows of one bucket often follow each other
};

}  // namespace leat
