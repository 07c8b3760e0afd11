#include "aggregates/bucket_table.h"

#include <cstring>

namespace leat {
namespace {

constexpr size_t kFewestSlots = 64;
constexpr uint64_t kNullHash = 0x6E756C6C6E756C6CULL;

}  // namespace

void BucketTable::clear() {
  if (slots_.size() > 4 * kFewestSlots && hashes_.size() * 16 < slots_.size()) slots_.clear();  // much too large now
  slots_.assign(slots_.empty() ? kFewestSlots : slots_.size(), kNone);
  hashes_.clear();
  keys_.clear();
  arena_.clear();
  last_ = kNone;
}

uint64_t BucketTable::hash(const KeyCell* cells, std::string_view arena) const {
  uint64_t h = seed_;
  for (size_t k = 0; k < text_.size(); ++k) {
    const KeyCell& cell = cells[k];
    const uint64_t own = cell.null ? kNullHash : text_[k] ? hash64(text_of(cell.bits, arena), seed_) : cell.bits;
    h = mix64(h ^ own);
  }
  return h;
}

bool BucketTable::equal(uint32_t bucket, const KeyCell* cells, std::string_view arena) const {
  const KeyCell* own = keys_.data() + bucket * text_.size();
  for (size_t k = 0; k < text_.size(); ++k) {
    if (own[k].null != cells[k].null) return false;
    if (text_[k] && !own[k].null) {
      if (text_of(own[k].bits, arena_) != text_of(cells[k].bits, arena)) return false;
    } else if (own[k].bits != cells[k].bits) {
      return false;
    }
  }
  return true;
}

size_t BucketTable::slot(uint64_t hash, const KeyCell* cells, std::string_view arena) const {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  for (;;) {
    const uint32_t bucket = slots_[at];
    if (bucket == kNone || (hashes_[bucket] == hash && equal(bucket, cells, arena))) return at;
    at = (at + 1) & mask;
  }
}

uint32_t BucketTable::find(const KeyCell* cells, std::string_view arena) const {
  return slots_[slot(hash(cells, arena), cells, arena)];
}

uint32_t BucketTable::find_or_add(const KeyCell* cells, std::string_view arena) {
  if (last_ != kNone && equal(last_, cells, arena)) return last_;
  const uint64_t h = hash(cells, arena);
  size_t at = slot(h, cells, arena);
  if (slots_[at] == kNone) {
    if ((hashes_.size() + 1) * 2 > slots_.size()) {
      grow();
      at = slot(h, cells, arena);
    }
    slots_[at] = static_cast<uint32_t>(hashes_.size());
    hashes_.push_back(h);
    for (size_t k = 0; k < text_.size(); ++k) {
      KeyCell cell = cells[k];
      if (text_[k] && !cell.null) {
        const std::string_view value = text_of(cell.bits, arena);
        cell.bits = pack_text(arena_.size(), value.size());
        arena_.append(value);
      }
      keys_.push_back(cell);
    }
  }
  last_ = slots_[at];
  return last_;
}

void BucketTable::grow() {
  slots_.assign(slots_.size() * 2, kNone);
  const size_t mask = slots_.size() - 1;
  for (uint32_t bucket = 0; bucket < hashes_.size(); ++bucket) {
    size_t at = hashes_[bucket] & mask;
    while (slots_[at] != kNone) at = (at + 1) & mask;
    slots_[at] = bucket;
  }
}

Hash128 BucketTable::identity(size_t bucket) const {
  std::string packed;
  for (size_t k = 0; k < text_.size(); ++k) {
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
