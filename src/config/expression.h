#pragma once

// Expressions of a pipeline file (docs/configuration.md, "Expressions"): a small part of SQL's own. The parser knows
// what is well formed; what a column is and which types fit is for whoever binds the expression
// (expressions/bound_expression.h). Pure functions; any thread.
//
// From what binds least to what binds most; keywords and functions in upper or lower case:
//   expression = and { OR and }        and = not { AND not }        not = NOT not | comparison
//   comparison = sum [ ( = | <> | != | < | <= | > | >= ) sum | [NOT] IN "(" expression { "," expression } ")"
//                    | [NOT] LIKE sum [ESCAPE sum] | [NOT] BETWEEN sum AND sum ] { IS [NOT] NULL }
//   sum        = product { ( + | - ) product }        product = joined { ( * | / | % ) joined }
//   joined     = signed { "||" signed }               signed = ( - | + ) signed | value
//   value      = number | 'text' | TRUE | FALSE | NULL | column | "(" expression ")" | CAST "(" expression AS type ")"
//              | CASE [expression] WHEN expression THEN expression { WHEN … THEN … } [ELSE expression] END
//              | function "(" [ expression { "," expression } ] ")"
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

enum class Operator : uint8_t {
  add,
  subtract,
  multiply,
  divide,
  remainder,
  join,
  negate,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  all_of,    // AND, of two or more
  any_of,    // OR
  negation,  // NOT; also of NOT IN, IS NOT NULL …
  is_null,
  in,         // the first argument in the others
  like,       // text, pattern [, escape]
  between,    // value, least, most
  choose,     // CASE: condition, value, condition, value … [, else]
  choose_by,  // CASE x: x, then as before
  cast,       // to the type `name`
};

struct Expression {
  enum Kind : uint8_t { column, call, operation, null, boolean, integer, real, text };
  Kind kind = column;
  Operator op = Operator::add;  // of an operation
  std::string name;             // of a column, a function (in lower case), a cast's type; the text of a text
  int64_t integer_value = 0;    // of an integer, a boolean
  double real_value = 0;
  std::vector<Expression> arguments;
  size_t at = 0;  // where it stands in the text: [at, end), without parentheses around it
  size_t end = 0;
};

enum class Function : uint8_t {
  minute,
  hour,
  day,
  month,
  path,
  browser,
  referrer,
  lower,
  upper,
  trim,
  length,
  substr,
  replace,
  concat,
  starts_with,
  ends_with,
  contains,
  coalesce,
  nullif,
  abs,
  round,
  floor,
  ceil,
  count,
  sum,
  min,
  max,
  count_distinct,
};

struct ExpressionFunction {
  std::string_view name;
  Function id;
  size_t least = 1;      // arguments
  size_t most = 1;       // SIZE_MAX: any number
  bool measure = false;  // takes many rows to one value: for an aggregate's `value` only
  std::string_view help;
};

// All functions there are, in the order of the documentation.
std::span<const ExpressionFunction> expression_functions();
const ExpressionFunction* find_expression_function(std::string_view name);

// bad_config: not well formed, an unknown function (with a suggestion), a wrong number of arguments. The message says
// "… at character N", counted from 1; `error_at`, when given, becomes the 0-based offset.
Result<Expression> parse_expression(std::string_view text, size_t* error_at = nullptr);

}  // namespace leat
