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
bool parse_cell(Type type, std::string_view text, uint64_t* cell);

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

}  // namespace leat
