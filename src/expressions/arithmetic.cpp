#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "expressions/node.h"

namespace leat::expressions {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

int64_t integer_of(uint64_t cell) {
  return static_cast<int64_t>(cell);
}
double real_of(uint64_t cell) {
  return std::bit_cast<double>(cell);
}

// Each takes two cells to one; true: the result does not fit, or there is none.
template <class How>
bool apply_integer(uint64_t a, uint64_t b, uint64_t& out) {
  int64_t result = 0;
  const bool bad = How::integers(integer_of(a), integer_of(b), result);
  out = static_cast<uint64_t>(result);
  return bad;
}
template <class How>
bool apply_real(uint64_t a, uint64_t b, uint64_t& out) {
  const double result = How::reals(real_of(a), real_of(b));
  out = std::bit_cast<uint64_t>(result);
  return !std::isfinite(result);
}

struct Add {
  static constexpr char kSign = '+';
  static bool integers(int64_t a, int64_t b, int64_t& out) { return __builtin_add_overflow(a, b, &out); }
  static double reals(double a, double b) { return a + b; }
};
struct Subtract {
  static constexpr char kSign = '-';
  static bool integers(int64_t a, int64_t b, int64_t& out) { return __builtin_sub_overflow(a, b, &out); }
  static double reals(double a, double b) { return a - b; }
};
struct Multiply {
  static constexpr char kSign = '*';
  static bool integers(int64_t a, int64_t b, int64_t& out) { return __builtin_mul_overflow(a, b, &out); }
  static double reals(double a, double b) { return a * b; }
};
struct Divide {
  static constexpr char kSign = '/';
  static bool integers(int64_t a, int64_t b, int64_t& out) {
    const bool bad = b == 0 || (a == kLeast && b == -1);
    out = a / (bad ? 1 : b);
    return bad;
  }
  static double reals(double a, double b) { return b == 0 ? std::numeric_limits<double>::infinity() : a / b; }
};
struct Remainder {
  static constexpr char kSign = '%';
  static bool integers(int64_t a, int64_t b, int64_t& out) {
    out = a % (b == 0 || b == -1 ? 1 : b);
    return b == 0;
  }
  static double reals(double a, double b) { return std::fmod(a, b); }  // the binder has refused it
};

std::string number_text(Type type, uint64_t cell) {
  return type == Type::integer ? fmt::format("{}", integer_of(cell)) : fmt::format("{}", real_of(cell));
}

std::string_view too_large(Type type) {
  return type == Type::integer ? "does not fit into 64 bits" : "is too large for a real";
}

// A NULL's cell is computed like any other: only a valid row's can be in trouble.
template <class How>
class Arithmetic final : public Node {
 public:
  Arithmetic(size_t slot, NodePtr left, NodePtr right)
      : Node(left->type(), slot), left_(std::move(left)), right_(std::move(right)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    const View left = left_->evaluate(block, wanted);
    const View right = right_->evaluate(block, wanted);
    Scratch& out = scratch(block);
    if (type() == Type::integer) {
      compute(block, wanted, left, right, out, apply_integer<How>);
    } else {
      compute(block, wanted, left, right, out, apply_real<How>);
    }
    return out.view();
  }

 private:
  template <class Apply>
  void compute(Block& block, const Bits& wanted, const View& left, const View& right, Scratch& out,
               const Apply& apply) const {
    for (size_t word = 0; word < block.words(); ++word) {
      const size_t first = word * 64;
      uint64_t bad = 0;
      for (size_t i = 0; i < 64; ++i) {
        const bool trouble = apply(left.cell(first + i), right.cell(first + i), out.cells[first + i]);
        bad |= static_cast<uint64_t>(trouble) << i;
      }
      const uint64_t valid = left.valid[word] & right.valid[word];
      for (uint64_t left_bad = bad & valid & wanted[word]; left_bad != 0; left_bad &= left_bad - 1) {
        const size_t row = first + static_cast<size_t>(std::countr_zero(left_bad));
        block.fail(row, [&] { return trouble(left.cell(row), right.cell(row)); });
      }
      out.valid[word] = valid & ~bad;
    }
  }

  [[nodiscard]] std::string trouble(uint64_t a, uint64_t b) const {
    const bool divides = How::kSign == '/' || How::kSign == '%';
    const bool zero = type() == Type::integer ? b == 0 : real_of(b) == 0;
    return fmt::format("{} {} {}{}", number_text(type(), a), How::kSign, number_text(type(), b),
                       divides && zero ? ": division by zero" : fmt::format(" {}", too_large(type())));
  }

  NodePtr left_;
  NodePtr right_;
};

double round_to(double value, int64_t digits) {
  if (digits > 300 || value == 0) return value;
  if (digits < -300) return 0;
  const double scale = std::pow(10.0, static_cast<double>(std::abs(digits)));
  const double scaled = digits < 0 ? value / scale : value * scale;
  if (!std::isfinite(scaled)) return value;  // it has no so small digits
  return digits < 0 ? std::round(scaled) * scale : std::round(scaled) / scale;
}

}  // namespace

NodePtr make_arithmetic(Operator op, size_t slot, NodePtr left, NodePtr right) {
  switch (op) {
    case Operator::add:
      return std::make_unique<Arithmetic<Add>>(slot, std::move(left), std::move(right));
    case Operator::subtract:
      return std::make_unique<Arithmetic<Subtract>>(slot, std::move(left), std::move(right));
    case Operator::multiply:
      return std::make_unique<Arithmetic<Multiply>>(slot, std::move(left), std::move(right));
    case Operator::divide:
      return std::make_unique<Arithmetic<Divide>>(slot, std::move(left), std::move(right));
    default:
      return std::make_unique<Arithmetic<Remainder>>(slot, std::move(left), std::move(right));
  }
}

NodePtr make_rounding(Function function, size_t slot, Nodes arguments) {
  const Type type = arguments.front()->type();
  return row_by_row(type, slot, std::move(arguments),
                    [function, type](Block& block, const auto& views, size_t row) -> std::optional<uint64_t> {
                      const uint64_t cell = views[0].cell(row);
                      if (type == Type::integer) {
                        if (function != Function::abs || integer_of(cell) >= 0) return cell;
                        if (integer_of(cell) != kLeast) return 0 - cell;
                        block.fail(row, [&] { return fmt::format("abs({}) {}", kLeast, too_large(type)); });
                        return std::nullopt;
                      }
                      double value = real_of(cell);
                      if (function == Function::abs) value = std::fabs(value);
                      if (function == Function::floor) value = std::floor(value);
                      if (function == Function::ceil) value = std::ceil(value);
                      if (function == Function::round) {
                        value = round_to(value, views[1].cells == nullptr ? 0 : integer_of(views[1].cell(row)));
                      }
                      return std::bit_cast<uint64_t>(value);
                    });
}

}  // namespace leat::expressions
