#include "expressions/bound_expression.h"

#include <algorithm>

#include "expressions/node.h"

namespace leat {

using expressions::Bits;
using expressions::Block;
using expressions::kBlockRows;
using expressions::View;

BoundExpression::BoundExpression(std::unique_ptr<expressions::Node> root, size_t nodes, std::vector<size_t> inputs)
    : root_(std::move(root)), nodes_(nodes), inputs_(std::move(inputs)), type_(root_->type()) {}
BoundExpression::~BoundExpression() = default;

Evaluation::Evaluation(std::shared_ptr<const BoundExpression> expression)
    : expression_(std::move(expression)), block_(std::make_unique<Block>(expression_->nodes_, made_)) {}
Evaluation::~Evaluation() = default;

void Evaluation::values(const RecordBatch& batch, size_t first, size_t count, uint64_t* cells, uint64_t* valid,
                        std::vector<Trouble>* troubles) {
  Block& block = *block_;
  block.begin_batch(batch, troubles);
  const size_t end = first + count;
  for (size_t at = first & ~size_t{63}; at < end; at += kBlockRows) {
    block.begin(at, std::min(kBlockRows, end - at));
    Bits wanted{};
    for (size_t row = std::max(at, first); row < std::min(end, at + kBlockRows); ++row)
      expressions::set_bit(wanted, row - at);
    const View view = expression_->root_->evaluate(block, wanted);
    for (size_t word = 0; word < block.words(); ++word) {
      const uint64_t good = view.valid[word] & wanted[word] & ~block.failed()[word];
      valid[at / 64 + word] = good;
      for (size_t i = 0; i < 64; ++i) {
        const size_t row = word * 64 + i;
        const uint64_t cell = expression_->type_ == Type::boolean ? view.truth[word] >> i & 1 : view.cell(row);
        cells[at + row] = (good >> i & 1) != 0 ? cell : 0;
      }
    }
  }
}

void Evaluation::truths(const RecordBatch& batch, std::vector<uint64_t>& bits, std::vector<Trouble>& troubles) {
  Block& block = *block_;
  block.begin_batch(batch, &troubles);
  bits.assign((batch.rows() + 63) / 64, 0);
  for (size_t at = 0; at < batch.rows(); at += kBlockRows) {
    const size_t rows = std::min(kBlockRows, batch.rows() - at);
    block.begin(at, rows);
    Bits wanted{};
    for (size_t row = 0; row < rows; ++row) expressions::set_bit(wanted, row);
    const View view = expression_->root_->evaluate(block, wanted);
    for (size_t word = 0; word < block.words(); ++word) {
      bits[at / 64 + word] = view.truth[word] & view.valid[word] & wanted[word] & ~block.failed()[word];
    }
  }
}

}  // namespace leat
