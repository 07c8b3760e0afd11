#pragma once

// Text becomes a cell of a column's type, and the type of a column is guessed from its first texts:
// docs/formats/types.md. What an empty text means is decided by the caller: it is no value of any type but text.
// Pure functions, any thread; a TypeGuess belongs to one.

#include <cstdint>
#include <string>
#include <string_view>

#include "data/schema.h"

namespace leat {

// Whether `text` is a value of `type`; *cell becomes it (see RecordBatch). Of text and json the cell is where the text
// stands in an arena, which the caller knows: *cell is left alone. Spaces around a boolean, number or time do not
// count.
inline bool parse_cell(Type type, std::string_view text, uint64_t* cell);

// Why parse_cell() has refused: "expected an integer, found 'abc'".
std::string cell_mismatch(Type type, std::string_view text);

// The narrowest type that all texts of a column have.
class TypeGuess {
 public:
  void see(std::string_view text);  // not an empty one
  // text when nothing was seen.
  [[nodiscard]] Type type() const;

 private:
  bool seen_ = false;
  bool boolean_ = true;
  bool integer_ = true;
  bool real_ = true;
  bool time_ = true;
};

// parse_cell() of what is not a short run of digits.
bool parse_any_cell(Type type, std::string_view text, uint64_t* cell);

inline bool parse_cell(Type type, std::string_view text, uint64_t* cell) {
  constexpr size_t kAlwaysFits = 18;  // digits
  if (type != Type::integer || text.empty() || text.size() > kAlwaysFits) return parse_any_cell(type, text, cell);
  uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return parse_any_cell(type, text, cell);
    value = value * 10 + digit;
  }
  *cell = value;
  return true;
}

}  // namespace leat
