#pragma once

// The pieces of a bound expression. A Node is immutable and shared by threads; what it makes of a block of rows stands
// in the Block's scratch memory, one place for each node. Only expressions/ includes this.
//
// A node is asked for some rows of the block (`wanted`); what it says of the others means nothing and may be garbage:
// text is read only of wanted rows that are valid. So what CASE, AND, OR and coalesce do not need cannot fail.

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/record_batch.h"
#include "expressions/bound_expression.h"

namespace leat::expressions {

constexpr size_t kBlockWords = 16;
constexpr size_t kBlockRows = kBlockWords * 64;  // a node's cells stay in the processor's nearest cache

using Bits = std::array<uint64_t, kBlockWords>;  // one a row, lowest first
inline constexpr Bits kNoRows{};
inline constexpr Bits kAllRows = [] {
  Bits bits{};
  for (uint64_t& word : bits) word = ~uint64_t{0};
  return bits;
}();

// What a node says of a block. Borrowed from the batch, the node or the scratch memory, until the node is asked again.
struct View {
  const uint64_t* cells = nullptr;  // not of a boolean
  size_t step = 1;                  // 0: cells[0] is that of all rows
  const uint64_t* valid = nullptr;  // bits
  const uint64_t* truth = nullptr;  // bits, of a boolean: 0 where it is not valid
  [[nodiscard]] uint64_t cell(size_t row) const { return cells[row * step]; }
  [[nodiscard]] bool is_valid(size_t row) const { return (valid[row >> 6] >> (row & 63) & 1) != 0; }
};

// What a node keeps from block to block.
struct Memory {
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  virtual ~Memory() = default;
};

struct Scratch {
  std::array<uint64_t, kBlockRows> cells{};
  Bits valid{};
  Bits truth{};
  std::unique_ptr<Memory> memory;
  [[nodiscard]] View view() const { return {cells.data(), 1, valid.data(), truth.data()}; }
};

class Block {
 public:
  Block(size_t nodes, std::string& made) : scratch_(nodes), made_(made) {}

  // Text that was made for another batch is forgotten.
  void begin_batch(const RecordBatch& batch, std::vector<Trouble>* troubles) {
    batch_ = &batch;
    troubles_ = troubles;
    made_.clear();
    ++number_;
  }
  // Rows [first, first + rows); first is a multiple of 64.
  void begin(size_t first, size_t rows) {
    first_ = first;
    words_ = (rows + 63) / 64;
    failed_ = {};
  }

  [[nodiscard]] const RecordBatch& batch() const { return *batch_; }
  [[nodiscard]] uint64_t batch_number() const { return number_; }
  [[nodiscard]] size_t first() const { return first_; }
  [[nodiscard]] size_t words() const { return words_; }
  [[nodiscard]] Scratch& scratch(size_t slot) { return scratch_[slot]; }
  [[nodiscard]] const Bits& failed() const { return failed_; }

  // Of a cell of the batch, or of one that append() gave. Valid until append().
  [[nodiscard]] std::string_view text(uint64_t cell) const {
    const size_t at = text_offset(cell);
    const size_t arena = batch_->arena.size();
    return at < arena ? batch_->text_of(cell) : std::string_view(made_).substr(at - arena, text_length(cell));
  }
  // A cell of text that stands after the batch's arena. `text` may be a view of what was appended before.
  uint64_t append(std::string_view text) {
    const uint64_t cell = pack_text(batch_->arena.size() + made_.size(), text.size());
    made_.append(text.data(), text.size());
    return cell;
  }
  // Whether a text of so many bytes can be made.
  [[nodiscard]] bool has_room(size_t bytes) const {
    return bytes <= kLongestText && batch_->arena.size() + made_.size() + bytes <= kMostText;
  }

  // The row has no value; the first trouble of a row is kept. `what` makes the message.
  template <class What>
  void fail(size_t row, const What& what) {
    const uint64_t bit = 1ULL << (row & 63);
    if ((failed_[row >> 6] & bit) != 0) return;
    failed_[row >> 6] |= bit;
    if (troubles_ != nullptr) troubles_->push_back({first_ + row, what()});
  }

 private:
  static constexpr size_t kLongestText = 1024 * 1024;
  static constexpr size_t kMostText = 1024 * 1024 * 1024;  // cells hold 32 bits of offset
  std::vector<Scratch> scratch_;
  std::string& made_;
  const RecordBatch* batch_ = nullptr;
  std::vector<Trouble>* troubles_ = nullptr;
  uint64_t number_ = 0;
  size_t first_ = 0;
  size_t words_ = 0;
  Bits failed_{};
};

class Node {
 public:
  Node(Type type, size_t slot) : type_(type), slot_(slot) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  [[nodiscard]] Type type() const { return type_; }
  [[nodiscard]] virtual View evaluate(Block& block, const Bits& wanted) const = 0;

 protected:
  [[nodiscard]] Scratch& scratch(Block& block) const { return block.scratch(slot_); }

 private:
  Type type_;
  size_t slot_;
};
using NodePtr = std::unique_ptr<Node>;
using Nodes = std::vector<NodePtr>;

// Calls what(row) for each row whose bit is set.
template <class What>
void for_each_row(const Bits& rows, size_t words, const What& what) {
  for (size_t word = 0; word < words; ++word) {
    for (uint64_t left = rows[word]; left != 0; left &= left - 1) {
      what(word * 64 + static_cast<size_t>(std::countr_zero(left)));
    }
  }
}

inline bool any(const Bits& rows, size_t words) {
  uint64_t all = 0;
  for (size_t word = 0; word < words; ++word) all |= rows[word];
  return all != 0;
}

inline void set_bit(Bits& bits, size_t row) {
  bits[row >> 6] |= 1ULL << (row & 63);
}

// The wanted rows of which all arguments are valid.
template <class Views>
Bits valid_rows(const Views& arguments, const Bits& wanted, size_t words) {
  Bits rows{};
  for (size_t word = 0; word < words; ++word) {
    rows[word] = wanted[word];
    for (const View& argument : arguments) rows[word] &= argument.valid[word];
  }
  return rows;
}

// A value for each row whose arguments are all valid, by `make(block, views, row, what)`, with `what` a
// std::optional<uint64_t> cell (of a boolean: 0 or 1) that stays empty when the value is NULL.
template <class Make>
class RowByRow final : public Node {
 public:
  RowByRow(Type type, size_t slot, Nodes arguments, Make make)
      : Node(type, slot), arguments_(std::move(arguments)), make_(std::move(make)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    std::array<View, 3> views{};
    Bits rows = wanted;
    for (size_t i = 0; i < arguments_.size(); ++i) {
      views[i] = arguments_[i]->evaluate(block, rows);
      for (size_t word = 0; word < block.words(); ++word) rows[word] &= views[i].valid[word];
    }
    Scratch& out = scratch(block);
    out.valid = rows;
    out.truth = {};
    for_each_row(rows, block.words(), [&](size_t row) {
      const std::optional<uint64_t> cell = make_(block, views, row);
      if (!cell) {
        out.valid[row >> 6] &= ~(1ULL << (row & 63));
      } else if (type() == Type::boolean) {
        out.truth[row >> 6] |= *cell << (row & 63);
      } else {
        out.cells[row] = *cell;
      }
    });
    return out.view();
  }

 private:
  Nodes arguments_;
  Make make_;
};

template <class Make>
NodePtr row_by_row(Type type, size_t slot, Nodes arguments, Make make) {
  return std::make_unique<RowByRow<Make>>(type, slot, std::move(arguments), std::move(make));
}

// values.cpp
NodePtr make_column(const Field& field, size_t index, size_t slot);
NodePtr make_constant(Type type, size_t slot, std::optional<uint64_t> cell);  // nothing: NULL
NodePtr make_text_constant(size_t slot, std::string text);

// arithmetic.cpp; both sides of type integer or real
NodePtr make_arithmetic(Operator op, size_t slot, NodePtr left, NodePtr right);
NodePtr make_rounding(Function function, size_t slot, Nodes arguments);  // abs, floor, ceil, round

// logic.cpp; what is compared has one type
NodePtr make_comparison(Operator op, size_t slot, NodePtr left, NodePtr right);
NodePtr make_junction(Operator op, size_t slot, Nodes arguments);  // all_of, any_of
NodePtr make_negation(size_t slot, NodePtr argument);
NodePtr make_is_null(size_t slot, NodePtr argument);

// choice.cpp
NodePtr make_between(size_t slot, Nodes value_least_most);
NodePtr make_in(size_t slot, Nodes value_and_others);
NodePtr make_choice(Type type, size_t slot, NodePtr subject, Nodes conditions, Nodes values);
NodePtr make_coalesce(Type type, size_t slot, Nodes arguments);
NodePtr make_nullif(Type type, size_t slot, NodePtr value, NodePtr other);
// truth: of each row, whether left `op` right; means nothing where one of them is not valid or the row is not wanted.
void compare(Operator op, Type type, const View& left, const View& right, const Block& block, const Bits& wanted,
             Bits& truth);

// text.cpp
NodePtr make_text_function(Function function, size_t slot, Nodes arguments);  // concat: of two
NodePtr make_like(size_t slot, NodePtr text, const std::string& pattern, std::optional<char> escape);

// calendar.cpp
NodePtr make_calendar(Function function, size_t slot, NodePtr time, const TimeZone& zone);
NodePtr make_browser(size_t slot, NodePtr agent);

// cast.cpp; null when there is no such cast
NodePtr make_cast(Type to, size_t slot, NodePtr from);

}  // namespace leat::expressions
