#pragma once

// The columns that an aggregate's expressions make of a batch, where a column or a function of one does not do. A row
// of which an expression cannot be computed is a row already: it gets NULL. One thread (the aggregate's).

#include <memory>
#include <vector>

#include "data/record_batch.h"
#include "expressions/bound_expression.h"

namespace leat {

class Computed {
 public:
  // Column i is what expressions[i] makes; at least one.
  explicit Computed(const std::vector<std::shared_ptr<const BoundExpression>>& expressions);

  // Rows [first, first + count) are those of `batch` under the same numbers; the others mean nothing. Text stands in
  // the arena of the result, which is good until the next call.
  const RecordBatch& of(const RecordBatch& batch, size_t first, size_t count);

 private:
  void copy_text(const RecordBatch& from, const std::string& made, size_t column, size_t first, size_t count);

  std::vector<std::unique_ptr<Evaluation>> evaluations_;
  RecordBatch columns_;
};

}  // namespace leat
