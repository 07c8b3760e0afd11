#include "aggregates/bucket_table.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace leat {
namespace {

constexpr size_t kFewestSlots = 64;
constexpr uint64_t kNullHash = 0x6E756C6C6E756C6CULL;
// Rows whose slots are fetched together: a table may be larger than the processor's nearer caches.
constexpr size_t kAtOnce = 32;

}  // namespace

BucketTable::BucketTable(std::vector<bool> text, uint64_t seed)
    : text_(std::move(text)),
      width_(text_.size()),
      any_text_(std::find(text_.begin(), text_.end(), true) != text_.end()),
      seed_(seed) {
  clear();
}

void BucketTable::clear() {
  if (slots_.size() > 4 * kFewestSlots && hashes_.size() * 16 < slots_.size()) slots_.clear();  // much too large now
  slots_.assign(slots_.empty() ? kFewestSlots : slots_.size(), Slot());
  hashes_.clear();
  keys_.clear();
  arena_.clear();
}

uint64_t BucketTable::hash(const KeyCell* cells, const Texts& texts) const {
  uint64_t h = seed_;
  for (size_t k = 0; k < width_; ++k) {
    const KeyCell& cell = cells[k];
    const uint64_t own = cell.null ? kNullHash : any_text_ && text_[k] ? hash64(texts.of(cell.bits), seed_) : cell.bits;
    h = mix64(h ^ own);
  }
  return h;
}

bool BucketTable::equal(uint32_t bucket, const KeyCell* cells, const Texts& texts) const {
  const KeyCell* own = keys_.data() + bucket * width_;
  for (size_t k = 0; k < width_; ++k) {
    if (own[k].null != cells[k].null) return false;
    if (any_text_ && text_[k] && !own[k].null) {
      if (text_of(own[k].bits) != texts.of(cells[k].bits)) return false;
    } else if (own[k].bits != cells[k].bits) {
      return false;
    }
  }
  return true;
}

size_t BucketTable::slot(uint64_t hash, const KeyCell* cells, const Texts& texts) const {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  for (;;) {
    const Slot& slot = slots_[at];
    if (slot.bucket == kNone || (slot.tag == tag_of(hash) && equal(slot.bucket, cells, texts))) return at;
    at = (at + 1) & mask;
  }
}

uint32_t BucketTable::find(const KeyCell* cells, const Texts& texts) const {
  return slots_[slot(hash(cells, texts), cells, texts)].bucket;
}

uint32_t BucketTable::find_or_add(const KeyCell* cells, const Texts& texts) {
  return find_or_add(hash(cells, texts), cells, texts);
}

uint32_t BucketTable::find_or_add(uint64_t hash, const KeyCell* cells, const Texts& texts) {
  const uint32_t found = slots_[slot(hash, cells, texts)].bucket;
  if (found != kNone) return found;
  add(hash, cells, texts);
  return static_cast<uint32_t>(size() - 1);
}

void BucketTable::place(const KeyCell* cells, const Texts& texts, uint32_t first, size_t count, Placed* out) {
  std::array<uint64_t, kAtOnce> hashes;
  uint32_t last = kNone;  // rows of one bucket often follow each other
  for (size_t at = 0; at < count; at += kAtOnce) {
    const size_t few = std::min(kAtOnce, count - at);
    const KeyCell* row = cells + at * width_;
    if (any_text_) {
      for (size_t i = 0; i < few; ++i) {
        hashes[i] = hash(row + i * width_, texts);
        __builtin_prefetch(&slots_[hashes[i] & (slots_.size() - 1)]);
      }
    }
    for (size_t i = 0; i < few; ++i, row += width_) {
      if (any_text_) {
        last = find_or_add(hashes[i], row, texts);
      } else if (last == kNone || !equal(last, row, texts)) {
        last = find_or_add(row, texts);
      }
      out[at + i] = {first + static_cast<uint32_t>(at + i), last};
    }
  }
}

void BucketTable::add_all(const BucketTable& other, uint32_t* out) {
  const Texts texts{other.arena_, {}};
  for (size_t at = 0; at < other.size(); ++at) {
    if (at + kAtOnce < other.size()) __builtin_prefetch(&slots_[other.hashes_[at + kAtOnce] & (slots_.size() - 1)]);
    out[at] = find_or_add(other.hashes_[at], other.keys_.data() + at * width_, texts);
  }
}

void BucketTable::add(uint64_t hash, const KeyCell* cells, const Texts& texts) {
  if ((size() + 1) * 2 > slots_.size()) grow();
  slots_[slot(hash, cells, texts)] = {static_cast<uint32_t>(size()), tag_of(hash)};
  hashes_.push_back(hash);
  for (size_t k = 0; k < width_; ++k) {
    KeyCell cell = cells[k];
    if (text_[k] && !cell.null) {
      const std::string_view value = texts.of(cell.bits);
      cell.bits = pack_text(arena_.size(), value.size());
      arena_.append(value);
    }
    keys_.push_back(cell);
  }
}

void BucketTable::grow() {
  slots_.assign(slots_.size() * 2, Slot());
  const size_t mask = slots_.size() - 1;
  for (uint32_t bucket = 0; bucket < hashes_.size(); ++bucket) {
    size_t at = hashes_[bucket] & mask;
    while (slots_[at].bucket != kNone) at = (at + 1) & mask;
    slots_[at] = {bucket, tag_of(hashes_[bucket])};
  }
}

Hash128 BucketTable::identity(size_t bucket) const {
  std::string packed;
  for (size_t k = 0; k < width_; ++k) {
    const KeyCell& cell = key(bucket, k);
    packed += cell.null ? '\0' : '\1';
    const std::string_view value = text_[k] && !cell.null ? text(bucket, k) : std::string_view();
    const uint64_t word = text_[k] ? value.size() : cell.bits;
    packed.append(reinterpret_cast<const char*>(&word), sizeof(word));
    packed.append(value);
  }
  return hash128(packed, seed_ ^ 1);
}

}  // namespace leat
