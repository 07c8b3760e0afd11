#pragma once

// The columns that an aggregate's expressions make of a batch, where a column or a function of one does not do. A row
// of which an expression cannot be computed is a row already: it gets NULL. One thread at a time.

#include <memory>
#include <vector>

#include "data/record_batch.h"
#include "expressions/bound_expression.h"

namespace leat {

class Computed {
 public:
  // Column i is what expressions[i] makes; none: there are no columns.
  explicit Computed(const std::vector<std::shared_ptr<const BoundExpression>>& expressions);

  void evaluate(const RecordBatch& batch, size_t first, size_t count);
  // What the input of a key or a measure is a column of: `batch`, the one evaluated last, or what was made of it. That
  // has the rows that were evaluated, under the same numbers; its others mean nothing. Its text stands in its own
  // arena.
  [[nodiscard]] const RecordBatch& source(bool is_computed, const RecordBatch& batch) const {
    return is_computed ? columns_ : batch;
  }

 private:
  void copy_text(const RecordBatch& from, const std::string& made, size_t column, size_t first, size_t count);

  std::vector<std::unique_ptr<Evaluation>> evaluations_;
  RecordBatch columns_;
};

}  // namespace leat
