#include "data/record_batch.h"

#include <algorithm>

namespace leat {

void RecordBatch::grow() {
  capacity_ = std::max<size_t>(64, capacity_ * 2);
  for (Column& column : columns_) {
    column.cells.resize(capacity_);
    column.valid.resize(capacity_ / 64);
  }
}

void RecordBatch::drop_last_row() {
  const size_t row = origins_.size() - 1;
  origins_.pop_back();
  for (Column& column : columns_) {
    column.cells[row] = 0;
    column.valid[row >> 6] &= ~(1ULL << (row & 63));
  }
}

void RecordBatch::keep(const std::vector<uint64_t>& bits) {
  const size_t before = rows();
  std::vector<uint32_t> kept;
  kept.reserve(before);
  for (size_t word = 0; word * 64 < before; ++word) {
    for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
      const size_t row = word * 64 + static_cast<size_t>(std::countr_zero(left));
      if (row < before) kept.push_back(static_cast<uint32_t>(row));
    }
  }
  const size_t after = kept.size();
  if (after == before) return;
  // A row moves towards the beginning or stays: what is read has not been written over.
  for (size_t i = 0; i < after; ++i) origins_[i] = origins_[kept[i]];
  origins_.resize(after);
  for (Column& column : columns_) {
    uint64_t* const cells = column.cells.data();
    for (size_t i = 0; i < after; ++i) cells[i] = cells[kept[i]];
    std::fill(cells + after, cells + before, 0);
    for (size_t word = 0; word * 64 < before; ++word) {
      const size_t end = std::min(after, word * 64 + 64);
      uint64_t valid = 0;
      for (size_t i = word * 64; i < end; ++i) valid |= (column.valid[kept[i] >> 6] >> (kept[i] & 63) & 1) << (i & 63);
      column.valid[word] = valid;
    }
  }
}

void RecordBatch::reshape(SchemaPtr schema, const std::vector<size_t>& from) {
  std::vector<Column> columns(from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] != kNewColumn) {
      columns[i] = std::move(columns_[from[i]]);
    } else {
      columns[i].cells.resize(capacity_);
      columns[i].valid.resize(capacity_ / 64);
    }
  }
  columns_ = std::move(columns);
  schema_ = std::move(schema);
}

}  // namespace leat
