#pragma once

// The keys of an aggregate over some rows of a batch: a column, a function of one, or what an expression makes. One
// thread at a time.

#include <string>
#include <vector>

#include "aggregates/binding.h"
#include "aggregates/computed.h"
#include "aggregates/key.h"

namespace leat {

std::vector<Key> make_keys(const Binding& binding, uint64_t seed);
// Of each key: Key::text().
std::vector<bool> text_keys(const Binding& binding);

class KeyCells {
 public:
  // `binding` must outlive it.
  KeyCells(const Binding& binding, uint64_t seed) : binding_(binding), keys_(make_keys(binding, seed)) {}

  // Of rows [first, first + count), which `computed` has evaluated.
  void evaluate(const RecordBatch& batch, const Computed& computed, size_t first, size_t count);
  // The keys of the first row, of the second, …
  [[nodiscard]] const KeyCell* cells() const { return cells_.data(); }
  [[nodiscard]] const KeyCell* of_row(size_t i) const { return cells_.data() + i * keys_.size(); }
  // Where their text stands; `batch` as it was evaluated.
  [[nodiscard]] Texts texts(const RecordBatch& batch) const { return {batch.arena, made_}; }

 private:
  void copy_text(const RecordBatch& computed, size_t batch_bytes, size_t k);

  const Binding& binding_;
  std::vector<Key> keys_;
  std::vector<KeyCell> cells_;
  std::string made_;  // text that does not stand in the batch's arena
};

}  // namespace leat
