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

}  // namespace leat
