#include "expressions/node.h"

namespace leat::expressions {
namespace {

// Puts what `from` says of `rows` into `out`.
void take(Type type, const View& from, const Bits& rows, size_t words, Scratch& out) {
  for (size_t word = 0; word < words; ++word) {
    out.valid[word] |= from.valid[word] & rows[word];
    if (type == Type::boolean) out.truth[word] |= from.truth[word] & from.valid[word] & rows[word];
  }
  if (type == Type::boolean) return;
  for_each_row(rows, words, [&](size_t row) { out.cells[row] = from.cell(row); });
}

// BETWEEN: like `value >= least AND value <= most`.
class Between final : public Node {
 public:
  Between(size_t slot, Nodes value_least_most) : Node(Type::boolean, slot), all_(std::move(value_least_most)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    const View value = all_[0]->evaluate(block, wanted);
    const View least = all_[1]->evaluate(block, wanted);
    const View most = all_[2]->evaluate(block, wanted);
    Bits above;
    Bits below;
    compare(Operator::greater_equal, all_[0]->type(), value, least, block, wanted, above);
    compare(Operator::less_equal, all_[0]->type(), value, most, block, wanted, below);
    Scratch& out = scratch(block);
    for (size_t word = 0; word < block.words(); ++word) {
      const uint64_t knows_above = value.valid[word] & least.valid[word];
      const uint64_t knows_below = value.valid[word] & most.valid[word];
      out.truth[word] = knows_above & above[word] & knows_below & below[word];
      out.valid[word] = out.truth[word] | (knows_above & ~above[word]) | (knows_below & ~below[word]);
    }
    return out.view();
  }

 private:
  Nodes all_;
};

// IN: like `value = other OR value = other …`.
class In final : public Node {
 public:
  In(size_t slot, Nodes value_and_others) : Node(Type::boolean, slot), all_(std::move(value_and_others)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    const View value = all_[0]->evaluate(block, wanted);
    Scratch& out = scratch(block);
    Bits open = wanted;
    Bits unknown{};
    out.truth = {};
    for (size_t i = 1; i < all_.size() && any(open, block.words()); ++i) {
      const View other = all_[i]->evaluate(block, open);
      Bits equal;
      compare(Operator::equal, all_[0]->type(), value, other, block, open, equal);
      for (size_t word = 0; word < block.words(); ++word) {
        const uint64_t valid = value.valid[word] & other.valid[word];
        out.truth[word] |= equal[word] & valid & open[word];
        unknown[word] |= ~valid;
        open[word] &= ~out.truth[word];
      }
    }
    for (size_t word = 0; word < block.words(); ++word) out.valid[word] = out.truth[word] | ~unknown[word];
    return out.view();
  }

 private:
  Nodes all_;
};

class Choice final : public Node {
 public:
  Choice(Type type, size_t slot, NodePtr subject, Nodes conditions, Nodes values)
      : Node(type, slot),
        subject_(std::move(subject)),
        conditions_(std::move(conditions)),
        values_(std::move(values)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    View subject;
    if (subject_ != nullptr) subject = subject_->evaluate(block, wanted);
    Scratch& out = scratch(block);
    out.valid = {};
    out.truth = {};
    Bits open = wanted;
    for (size_t i = 0; i < values_.size() && any(open, block.words()); ++i) {
      Bits hit = open;
      if (i < conditions_.size()) {
        const View condition = conditions_[i]->evaluate(block, open);
        Bits truth{};
        if (subject_ != nullptr) {
          compare(Operator::equal, subject_->type(), subject, condition, block, open, truth);
        }
        for (size_t word = 0; word < block.words(); ++word) {
          hit[word] &= condition.valid[word];
          hit[word] &= subject_ != nullptr ? truth[word] & subject.valid[word] : condition.truth[word];
          open[word] &= ~hit[word];
        }
      }
      if (any(hit, block.words())) take(type(), values_[i]->evaluate(block, hit), hit, block.words(), out);
    }
    return out.view();
  }

 private:
  NodePtr subject_;  // null: the conditions are booleans
  Nodes conditions_;
  Nodes values_;  // one more than conditions, when there is an ELSE
};

class Coalesce final : public Node {
 public:
  Coalesce(Type type, size_t slot, Nodes arguments) : Node(type, slot), arguments_(std::move(arguments)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    Scratch& out = scratch(block);
    out.valid = {};
    out.truth = {};
    Bits open = wanted;
    for (const NodePtr& argument : arguments_) {
      const View view = argument->evaluate(block, open);
      Bits rows = open;
      for (size_t word = 0; word < block.words(); ++word) {
        rows[word] &= view.valid[word];
        open[word] &= ~view.valid[word];
      }
      take(type(), view, rows, block.words(), out);
      if (!any(open, block.words())) break;
    }
    return out.view();
  }

 private:
  Nodes arguments_;
};

class NullIf final : public Node {
 public:
  NullIf(Type type, size_t slot, NodePtr value, NodePtr other)
      : Node(type, slot), value_(std::move(value)), other_(std::move(other)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    View value = value_->evaluate(block, wanted);
    const View other = other_->evaluate(block, wanted);
    Scratch& out = scratch(block);
    Bits equal{};
    compare(Operator::equal, type(), value, other, block, wanted, equal);
    for (size_t word = 0; word < block.words(); ++word) {
      out.valid[word] = value.valid[word] & ~(equal[word] & other.valid[word]);
    }
    value.valid = out.valid.data();
    return value;
  }

 private:
  NodePtr value_;
  NodePtr other_;
};

}  // namespace

NodePtr make_between(size_t slot, Nodes value_least_most) {
  return std::make_unique<Between>(slot, std::move(value_least_most));
}

NodePtr make_in(size_t slot, Nodes value_and_others) {
  return std::make_unique<In>(slot, std::move(value_and_others));
}

NodePtr make_choice(Type type, size_t slot, NodePtr subject, Nodes conditions, Nodes values) {
  return std::make_unique<Choice>(type, slot, std::move(subject), std::move(conditions), std::move(values));
}

NodePtr make_coalesce(Type type, size_t slot, Nodes arguments) {
  return std::make_unique<Coalesce>(type, slot, std::move(arguments));
}

NodePtr make_nullif(Type type, size_t slot, NodePtr value, NodePtr other) {
  return std::make_unique<NullIf>(type, slot, std::move(value), std::move(other));
}

}  // namespace leat::expressions
