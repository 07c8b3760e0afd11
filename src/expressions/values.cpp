#include <cmath>

#include "expressions/node.h"

namespace leat::expressions {
namespace {

// What stands in the batch: nothing is copied, but a real that is not a number is NULL.
class Column final : public Node {
 public:
  Column(Type type, size_t index, size_t slot) : Node(type, slot), index_(index) {}

  [[nodiscard]] View evaluate(Block& block, const Bits&) const override {
    View view;
    view.cells = block.batch().cells(index_) + block.first();
    view.valid = block.batch().validity(index_) + block.first() / 64;
    if (type() == Type::boolean) {
      Scratch& out = scratch(block);
      for (size_t word = 0; word < block.words(); ++word) {
        uint64_t truth = 0;
        for (size_t i = 0; i < 64; ++i) truth |= (view.cells[word * 64 + i] & 1) << i;
        out.truth[word] = truth;
      }
      view.truth = out.truth.data();
    }
    if (type() == Type::real) {
      Scratch& out = scratch(block);
      for (size_t word = 0; word < block.words(); ++word) {
        uint64_t numbers = 0;
        for (size_t i = 0; i < 64; ++i) {
          numbers |= (std::isnan(std::bit_cast<double>(view.cells[word * 64 + i])) ? 0ULL : 1ULL) << i;
        }
        out.valid[word] = view.valid[word] & numbers;
      }
      view.valid = out.valid.data();
    }
    return view;
  }

 private:
  size_t index_;
};

class Constant final : public Node {
 public:
  Constant(Type type, size_t slot, std::optional<uint64_t> cell)
      : Node(type, slot), cell_(cell.value_or(0)), null_(!cell) {}

  [[nodiscard]] View evaluate(Block&, const Bits&) const override {
    const uint64_t* const truth = !null_ && cell_ != 0 ? kAllRows.data() : kNoRows.data();
    return {&cell_, 0, null_ ? kNoRows.data() : kAllRows.data(), truth};
  }

 private:
  uint64_t cell_;
  bool null_;
};

// Its text is made once for each batch.
class TextConstant final : public Node {
 public:
  TextConstant(size_t slot, std::string text) : Node(Type::text, slot), text_(std::move(text)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits&) const override {
    Scratch& out = scratch(block);
    if (out.cells[1] != block.batch_number()) {
      out.cells[1] = block.batch_number();
      out.cells[0] = block.append(text_);
    }
    return {out.cells.data(), 0, kAllRows.data(), nullptr};
  }

 private:
  std::string text_;
};

}  // namespace

NodePtr make_column(const Field& field, size_t index, size_t slot) {
  return std::make_unique<Column>(field.type, index, slot);
}

NodePtr make_constant(Type type, size_t slot, std::optional<uint64_t> cell) {
  return std::make_unique<Constant>(type, slot, cell);
}

NodePtr make_text_constant(size_t slot, std::string text) {
  return std::make_unique<TextConstant>(slot, std::move(text));
}

}  // namespace leat::expressions
