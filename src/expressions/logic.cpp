#include <functional>

#include "expressions/node.h"

namespace leat::expressions {
namespace {

template <class Value, class Test>
void compare_numbers(const View& left, const View& right, size_t words, const Test& test, Bits& truth) {
  for (size_t word = 0; word < words; ++word) {
    uint64_t bits = 0;
    for (size_t i = 0; i < 64; ++i) {
      const auto a = std::bit_cast<Value>(left.cell(word * 64 + i));
      const auto b = std::bit_cast<Value>(right.cell(word * 64 + i));
      bits |= static_cast<uint64_t>(test(a, b)) << i;
    }
    truth[word] = bits;
  }
}

template <class Test>
void compare_by(const Test& test, Type type, const View& left, const View& right, const Block& block,
                const Bits& wanted, Bits& truth) {
  switch (type) {
    case Type::boolean:
      for (size_t word = 0; word < block.words(); ++word) {
        uint64_t bits = 0;
        for (size_t i = 0; i < 64; ++i) {
          bits |= static_cast<uint64_t>(test(left.truth[word] >> i & 1, right.truth[word] >> i & 1)) << i;
        }
        truth[word] = bits;
      }
      break;
    case Type::integer:
    case Type::time:
      compare_numbers<int64_t>(left, right, block.words(), test, truth);
      break;
    case Type::real:
      compare_numbers<double>(left, right, block.words(), test, truth);
      break;
    case Type::text:
    case Type::json: {
      truth = {};
      const std::array<View, 2> both{left, right};
      for_each_row(valid_rows(both, wanted, block.words()), block.words(), [&](size_t row) {
        if (test(block.text(left.cell(row)), block.text(right.cell(row)))) set_bit(truth, row);
      });
      break;
    }
  }
}

class Comparison final : public Node {
 public:
  Comparison(Operator op, size_t slot, NodePtr left, NodePtr right)
      : Node(Type::boolean, slot), op_(op), left_(std::move(left)), right_(std::move(right)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    const View left = left_->evaluate(block, wanted);
    const View right = right_->evaluate(block, wanted);
    Scratch& out = scratch(block);
    compare(op_, left_->type(), left, right, block, wanted, out.truth);
    for (size_t word = 0; word < block.words(); ++word) {
      out.valid[word] = left.valid[word] & right.valid[word];
      out.truth[word] &= out.valid[word];
    }
    return out.view();
  }

 private:
  Operator op_;
  NodePtr left_;
  NodePtr right_;
};

// AND and OR of any number. What decides is false for AND, true for OR: a row that is decided is wanted no more.
class Junction final : public Node {
 public:
  Junction(bool all, size_t slot, Nodes arguments)
      : Node(Type::boolean, slot), all_(all), arguments_(std::move(arguments)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    Scratch& out = scratch(block);
    Bits open = wanted;
    Bits decided{};
    Bits unknown{};
    for (const NodePtr& argument : arguments_) {
      const View view = argument->evaluate(block, open);
      for (size_t word = 0; word < block.words(); ++word) {
        const uint64_t truth = all_ ? view.valid[word] & ~view.truth[word] : view.truth[word] & view.valid[word];
        decided[word] |= truth & open[word];
        unknown[word] |= ~view.valid[word];
        open[word] &= ~truth;
      }
      if (!any(open, block.words())) break;
    }
    for (size_t word = 0; word < block.words(); ++word) {
      out.valid[word] = decided[word] | ~unknown[word];
      out.truth[word] = all_ ? out.valid[word] & ~decided[word] : decided[word];
    }
    return out.view();
  }

 private:
  bool all_;
  Nodes arguments_;
};

class Negation final : public Node {
 public:
  Negation(size_t slot, NodePtr argument) : Node(Type::boolean, slot), argument_(std::move(argument)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    View view = argument_->evaluate(block, wanted);
    Scratch& out = scratch(block);
    for (size_t word = 0; word < block.words(); ++word) out.truth[word] = view.valid[word] & ~view.truth[word];
    view.truth = out.truth.data();
    return view;
  }

 private:
  NodePtr argument_;
};

class IsNull final : public Node {
 public:
  IsNull(size_t slot, NodePtr argument) : Node(Type::boolean, slot), argument_(std::move(argument)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    const View view = argument_->evaluate(block, wanted);
    Scratch& out = scratch(block);
    for (size_t word = 0; word < block.words(); ++word) out.truth[word] = ~view.valid[word];
    return {nullptr, 1, kAllRows.data(), out.truth.data()};
  }

 private:
  NodePtr argument_;
};

}  // namespace

void compare(Operator op, Type type, const View& left, const View& right, const Block& block, const Bits& wanted,
             Bits& truth) {
  const auto by = [&](const auto& test) { compare_by(test, type, left, right, block, wanted, truth); };
  switch (op) {
    case Operator::equal:
      return by(std::equal_to<>());
    case Operator::not_equal:
      return by(std::not_equal_to<>());
    case Operator::less:
      return by(std::less<>());
    case Operator::less_equal:
      return by(std::less_equal<>());
    case Operator::greater:
      return by(std::greater<>());
    default:
      return by(std::greater_equal<>());
  }
}

NodePtr make_comparison(Operator op, size_t slot, NodePtr left, NodePtr right) {
  return std::make_unique<Comparison>(op, slot, std::move(left), std::move(right));
}

NodePtr make_junction(Operator op, size_t slot, Nodes arguments) {
  return std::make_unique<Junction>(op == Operator::all_of, slot, std::move(arguments));
}

NodePtr make_negation(size_t slot, NodePtr argument) {
  return std::make_unique<Negation>(slot, std::move(argument));
}

NodePtr make_is_null(size_t slot, NodePtr argument) {
  return std::make_unique<IsNull>(slot, std::move(argument));
}

}  // namespace leat::expressions
