#include "aggregates/key_cells.h"

#include "base/hash.h"

namespace leat {

std::vector<Key> make_keys(const Binding& binding, uint64_t seed) {
  std::vector<Key> keys;
  for (const BoundKey& key : binding.keys) {
    keys.emplace_back(key.function, key.input, key.type, binding.zone, mix64(seed));
  }
  return keys;
}

std::vector<bool> text_keys(const Binding& binding) {
  std::vector<bool> text;
  for (const BoundKey& key : binding.keys) text.push_back(is_text(key.type) && key.function != KeyFunction::browser);
  return text;
}

void KeyCells::evaluate(const RecordBatch& batch, const Computed& computed, size_t first, size_t count) {
  cells_.resize(count * keys_.size());
  made_.clear();
  for (size_t k = 0; k < keys_.size(); ++k) {
    const bool is_computed = binding_.keys[k].computed;
    const RecordBatch& source = computed.source(is_computed, batch);
    keys_[k].evaluate(source, first, count, cells_.data() + k, keys_.size(), made_);
    if (is_computed && keys_[k].text()) copy_text(source, batch.arena.size(), k);
  }
}

// The texts of key `k` stand in the arena of `computed`; they are to stand behind the batch's own.
void KeyCells::copy_text(const RecordBatch& computed, size_t batch_bytes, size_t k) {
  for (size_t at = k; at < cells_.size(); at += keys_.size()) {
    if (cells_[at].null) continue;
    const std::string_view text = computed.text_of(cells_[at].bits);
    cells_[at].bits = pack_text(batch_bytes + made_.size(), text.size());
    made_.append(text);
  }
}

}  // namespace leat
