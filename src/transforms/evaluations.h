#pragma once

// What several threads need to evaluate one expression at once: an Evaluation each, kept for the next batch. Any
// thread.

#include <memory>
#include <mutex>
#include <vector>

#include "data/reject.h"
#include "expressions/bound_expression.h"

namespace leat {

class Evaluations {
 public:
  explicit Evaluations(std::shared_ptr<const BoundExpression> expression) : expression_(std::move(expression)) {}

  [[nodiscard]] const BoundExpression& expression() const { return *expression_; }

  // Calls use(Evaluation&).
  template <class Use>
  void with_one(const Use& use) {
    std::unique_ptr<Evaluation> one = take();
    use(*one);
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(one));
  }

 private:
  std::unique_ptr<Evaluation> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<Evaluation>(expression_);
    std::unique_ptr<Evaluation> one = std::move(free_.back());
    free_.pop_back();
    return one;
  }

  std::shared_ptr<const BoundExpression> expression_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Evaluation>> free_;
};

// Rows that are taken out of a batch because something cannot be computed of them.
class Refused {
 public:
  explicit Refused(const RecordBatch& batch) : rows_((batch.rows() + 63) / 64, ~uint64_t{0}) {}

  // The first trouble of a row makes its reject: of `column`, with `what` before it.
  void add(const RecordBatch& batch, const std::vector<Trouble>& troubles, std::string_view column,
           const std::string& what, Rejects& rejects) {
    for (const Trouble& trouble : troubles) {
      const uint64_t bit = 1ULL << (trouble.row & 63);
      if ((rows_[trouble.row >> 6] & bit) == 0) continue;
      rows_[trouble.row >> 6] &= ~bit;
      ++count_;
      const RowOrigin& from = batch.origin_of(trouble.row);
      rejects.push_back(make_reject(batch.part, batch.origin, from.offset, from.line, column, what + trouble.what,
                                    batch.raw(trouble.row)));
    }
  }
  void take_out(RecordBatch& batch) const {
    if (count_ > 0) batch.keep(rows_);
  }
  [[nodiscard]] uint64_t count() const { return count_; }

 private:
  std::vector<uint64_t> rows_;  // those that stay
  uint64_t count_ = 0;
};

}  // namespace leat
