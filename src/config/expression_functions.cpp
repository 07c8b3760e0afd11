#include <array>

#include "config/expression.h"

namespace leat {
namespace {

using enum Function;

constexpr std::array<ExpressionFunction, 28> kFunctions{{
    {.name = "minute", .id = minute, .help = "minute(TIME): YYYY-MM-DD HH:MM in `timezone`"},
    {.name = "hour", .id = hour, .help = "hour(TIME): YYYY-MM-DD HH in `timezone`"},
    {.name = "day", .id = day, .help = "day(TIME): YYYY-MM-DD in `timezone`"},
    {.name = "month", .id = month, .help = "month(TIME): YYYY-MM in `timezone`"},
    {.name = "path", .id = path, .help = "path(TEXT): a request's target without its query"},
    {.name = "browser",
     .id = browser,
     .help =
         "browser(TEXT): of a User-Agent: Chrome, Firefox, Safari, Edge, Opera, Samsung Internet, IE, Bot or Other; "
         "of NULL: Other"},
    {.name = "referrer",
     .id = referrer,
     .help = "referrer(TEXT): the site of a Referer: its host in lower case, without www.; NULL when it names none"},
    {.name = "lower", .id = lower, .help = "lower(TEXT): A to Z in lower case"},
    {.name = "upper", .id = upper, .help = "upper(TEXT): a to z in upper case"},
    {.name = "trim", .id = trim, .help = "trim(TEXT): without spaces at its beginning and end"},
    {.name = "length", .id = length, .help = "length(TEXT): number of characters"},
    {.name = "substr",
     .id = substr,
     .least = 2,
     .most = 3,
     .help = "substr(TEXT, START, LENGTH): characters from START on, counted from 1, from the end when negative; all "
             "that follow without LENGTH"},
    {.name = "replace", .id = replace, .least = 3, .most = 3, .help = "replace(TEXT, OLD, NEW): every OLD becomes NEW"},
    {.name = "concat",
     .id = concat,
     .most = SIZE_MAX,
     .help = "concat(VALUE, …): the texts of the values one after the other; NULL is the empty text"},
    {.name = "starts_with",
     .id = starts_with,
     .least = 2,
     .most = 2,
     .help = "starts_with(TEXT, PART): whether TEXT begins with PART"},
    {.name = "ends_with", .id = ends_with, .least = 2, .most = 2, .help = "ends_with(TEXT, PART): whether it ends so"},
    {.name = "contains", .id = contains, .least = 2, .most = 2, .help = "contains(TEXT, PART): whether PART is in it"},
    {.name = "coalesce",
     .id = coalesce,
     .least = 2,
     .most = SIZE_MAX,
     .help = "coalesce(VALUE, VALUE, …): the first that is not NULL"},
    {.name = "nullif", .id = nullif, .least = 2, .most = 2, .help = "nullif(VALUE, OTHER): NULL when they are equal"},
    {.name = "abs", .id = abs, .help = "abs(NUMBER): without its sign"},
    {.name = "round",
     .id = round,
     .most = 2,
     .help = "round(NUMBER, DIGITS): a real to so many digits behind the point (0 without DIGITS), halves away from 0"},
    {.name = "floor", .id = floor, .help = "floor(NUMBER): the next whole number below"},
    {.name = "ceil", .id = ceil, .help = "ceil(NUMBER): the next whole number above"},
    {.name = "count", .id = count, .least = 0, .most = 0, .measure = true, .help = "count(): number of rows"},
    {.name = "sum", .id = sum, .measure = true, .help = "sum(NUMBER): sum of the values that are not NULL"},
    {.name = "min", .id = min, .measure = true, .help = "min(VALUE): the smallest value"},
    {.name = "max", .id = max, .measure = true, .help = "max(VALUE): the largest value"},
    {.name = "count_distinct",
     .id = count_distinct,
     .measure = true,
     .help = "count_distinct(VALUE): number of different values, NULL not counted; exact"},
}};

}  // namespace

std::span<const ExpressionFunction> expression_functions() {
  return kFunctions;
}

const ExpressionFunction* find_expression_function(std::string_view name) {
  for (const ExpressionFunction& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

}  // namespace leat
