#pragma once

// Expressions of a pipeline file (docs/configuration.md, "Expressions"): for now a column, or a function of columns.
// The parser knows what is well formed; what a column is, and which functions may stand where, is for whoever binds
// the expression. Pure functions; any thread.
//
//   expression = column | function "(" [ expression { "," expression } ] ")"
//   column     = name | '"' characters, '""' for one '"' '"'
//   name       = letter or "_", then letters, digits, "_"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat {

struct Expression {
  enum Kind : uint8_t { column, call };
  Kind kind = column;
  std::string name;  // of the column, or of the function as it is in expression_functions()
  std::vector<Expression> arguments;
  size_t at = 0;  // 0-based offset in the text, for messages
};

struct ExpressionFunction {
  std::string_view name;
  size_t arguments = 0;
  bool measure = false;  // takes many rows to one value: for `value`; the others are for `by`
  std::string_view help;
};

// All functions there are, in the order of the documentation.
std::span<const ExpressionFunction> expression_functions();
const ExpressionFunction* find_expression_function(std::string_view name);

// bad_config: not well formed, an unknown function (with a suggestion), a wrong number of arguments. The message says
// "… at character N", counted from 1; `error_at`, when given, becomes the 0-based offset.
Result<Expression> parse_expression(std::string_view text, size_t* error_at = nullptr);

}  // namespace leat
