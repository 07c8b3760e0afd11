#pragma once

// Expressions of a pipeline file (config/expression.h) over the columns of a batch: their types are checked once, then
// they are evaluated column by column, a block of rows at a time (docs/configuration.md, "Expressions"; what SQL leaves
// open is decided there). Used by transforms and aggregates.
//
// A row of which an expression cannot be computed (a division by zero, an integer that does not fit into 64 bits, a
// cast of what is not of that type) is a Trouble, and has no value. A NULL is none.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/expression.h"
#include "data/record_batch.h"
#include "lookup/time_zone.h"

namespace leat {

namespace expressions {
class Node;
class Block;
}  // namespace expressions

struct Trouble {
  size_t row = 0;
  std::string what;  // "512 / 0: division by zero"
};

// A stretch of an expression's text: what a message is about.
struct ExpressionPlace {
  size_t at = 0;
  size_t end = 0;
};

// bad_config that says so, with a suggestion.
Status unknown_column(const Expression& column, const Schema& schema);

// Immutable; any thread.
class BoundExpression {
 public:
  // `text`: what `expression` was parsed from. `zone`: of day(), hour() …
  // bad_config: an unknown column (with a suggestion), types that do not fit, a measure, no type at all (NULL), a
  // result that is raw bytes. The message shows the piece that is wrong; `error`, when given, becomes its place.
  static Result<std::shared_ptr<const BoundExpression>> bind(const Expression& expression, std::string_view text,
                                                             const Schema& schema, const TimeZone& zone,
                                                             ExpressionPlace* error = nullptr);
  BoundExpression(const BoundExpression&) = delete;
  BoundExpression& operator=(const BoundExpression&) = delete;
  ~BoundExpression();

  [[nodiscard]] Type type() const { return type_; }
  // Indexes into the schema of the columns that it reads, ascending.
  [[nodiscard]] const std::vector<size_t>& inputs() const { return inputs_; }

 private:
  friend class Evaluation;
  BoundExpression(std::unique_ptr<expressions::Node> root, size_t nodes, std::vector<size_t> inputs);

  std::unique_ptr<expressions::Node> root_;
  size_t nodes_;
  std::vector<size_t> inputs_;
  Type type_;
};

// Evaluates one expression, with the memory it needs for it: to be used again and again. One thread.
class Evaluation {
 public:
  explicit Evaluation(std::shared_ptr<const BoundExpression> expression);
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;
  ~Evaluation();

  // The values of rows [first, first + count) into cells[row] and the bits of `valid`, both as RecordBatch keeps a
  // column and as long as the batch has room for; a NULL's cell is 0. Rows beside them, up to the next multiple of 64,
  // become NULL. Cells of text are places in the batch's arena followed by made(). Troubles are added in the order of
  // rows when somebody wants them.
  void values(const RecordBatch& batch, size_t first, size_t count, uint64_t* cells, uint64_t* valid,
              std::vector<Trouble>* troubles);
  [[nodiscard]] const std::string& made() const { return made_; }

  // Of a boolean: one bit for each row of the batch, set where it is true.
  void truths(const RecordBatch& batch, std::vector<uint64_t>& bits, std::vector<Trouble>& troubles);

 private:
  std::shared_ptr<const BoundExpression> expression_;
  std::string made_;
  std::unique_ptr<expressions::Block> block_;
};

}  // namespace leat
