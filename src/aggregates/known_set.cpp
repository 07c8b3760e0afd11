#include "aggregates/known_set.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace leat {
namespace {

constexpr size_t kFewestSlots = 64;

bool is_free(const Hash128& slot) {
  return (slot.high | slot.low) == 0;
}

}  // namespace

KnownSet::KnownSet(size_t bytes)
    : most_slots_(std::max(kFewestSlots, std::bit_floor(std::max<size_t>(1, bytes / 2 / sizeof(Hash128))))) {
  clear();
}

void KnownSet::clear() {
  young_.reset(kFewestSlots);
  old_.reset(0);
}

void KnownSet::Table::reset(size_t size) {
  if (slots.size() == size) {
    std::fill(slots.begin(), slots.end(), Hash128{});
  } else {
    std::vector<Hash128>(size).swap(slots);
  }
  used = 0;
}

size_t KnownSet::Table::find(const Hash128& hash) const {
  const size_t mask = slots.size() - 1;
  size_t at = hash.low & mask;
  while (!is_free(slots[at]) && !(slots[at] == hash)) at = (at + 1) & mask;
  return at;
}

void KnownSet::make_room() {
  if (young_.slots.size() < most_slots_) {
    Table larger;
    larger.reset(young_.slots.size() * 2);
    for (const Hash128& hash : young_.slots) {
      if (!is_free(hash)) larger.slots[larger.find(hash)] = hash;
    }
    larger.used = young_.used;
    std::swap(young_, larger);
    return;
  }
  std::swap(young_, old_);
  young_.reset(most_slots_);
}

bool KnownSet::insert(Hash128 hash) {
  if (is_free(hash)) hash.low = 1;
  size_t at = young_.find(hash);
  if (!is_free(young_.slots[at])) return false;
  const bool known = !old_.slots.empty() && !is_free(old_.slots[old_.find(hash)]);
  if (young_.full()) {
    make_room();
    at = young_.find(hash);
  }
  young_.slots[at] = hash;
  ++young_.used;
  return !known;
}

}  // namespace leat
