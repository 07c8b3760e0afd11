#include "config/expression.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

std::string error_of(std::string_view text, size_t* at = nullptr) {
  const Result<Expression> result = parse_expression(text, at);
  return result.ok() ? "no error" : result.status().message();
}

TEST(Expression, AColumn) {
  const Result<Expression> result = parse_expression(" remote_addr ");
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->kind, Expression::column);
  EXPECT_EQ(result->name, "remote_addr");
  EXPECT_EQ(result->at, 1U);
}

TEST(Expression, AQuotedColumnMayHoldAnything) {
  const Result<Expression> result = parse_expression(R"(max("bytes ""sent""))");
  ASSERT_FALSE(result.ok());
  const Result<Expression> closed = parse_expression(R"x(max("bytes ""sent"" (ü)"))x");
  ASSERT_TRUE(closed.ok()) << closed.status().message();
  EXPECT_EQ(closed->arguments.at(0).name, "bytes \"sent\" (ü)");
}

TEST(Expression, ACall) {
  const Result<Expression> result = parse_expression("count_distinct( remote_addr )");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->kind, Expression::call);
  EXPECT_EQ(result->name, "count_distinct");
  ASSERT_EQ(result->arguments.size(), 1U);
  EXPECT_EQ(result->arguments[0].name, "remote_addr");
  EXPECT_EQ(result->arguments[0].at, 16U);
}

TEST(Expression, ACallMayHoldACall) {
  const Result<Expression> result = parse_expression("count_distinct(path(request_uri))");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->arguments.at(0).arguments.at(0).name, "request_uri");
}

TEST(Expression, AColumnMayBearTheNameOfAFunction) {
  const Result<Expression> result = parse_expression("day");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->kind, Expression::column);
}

TEST(Expression, ErrorsSayWhere) {
  size_t at = 0;
  EXPECT_EQ(error_of("", &at), "expected a value, a column or a function at character 1, where the expression ends");
  EXPECT_EQ(at, 0U);
  EXPECT_EQ(error_of("sum(", &at),
            "expected a value, a column or a function at character 5, where the expression ends");
  EXPECT_EQ(at, 4U);
  EXPECT_EQ(error_of("sum(a b)", &at), "expected ',' or ')' at character 7, before 'b'");
  EXPECT_EQ(at, 6U);
  EXPECT_EQ(error_of("sum(a)x"), "expected the end of the expression at character 7, before 'x'");
  EXPECT_EQ(error_of("sum(\"a)"), "the quoted name that begins here does not end at character 5, before '\"'");
  EXPECT_EQ(error_of("\"\""), "the name of a column is empty at character 1, before '\"'");
  EXPECT_EQ(error_of("sum(\x1B)"), "expected a value, a column or a function at character 5, before '\\x1B'");
}

TEST(Expression, UnknownFunctionIsAnErrorWithASuggestion) {
  EXPECT_EQ(error_of("count_distnct(a)"),
            "unknown function 'count_distnct' at character 1 (did you mean 'count_distinct'?)");
  EXPECT_EQ(
      error_of("sum(median(a))"),
      "unknown function 'median' at character 5 (there are: minute, hour, day, month, path, browser, referrer, lower, "
      "upper, trim, length, substr, replace, concat, starts_with, ends_with, contains, coalesce, nullif, abs, round, "
      "floor, ceil, count, sum, min, max, count_distinct)");
}

TEST(Expression, ArgumentsAreCounted) {
  EXPECT_EQ(error_of("count(a)"), "count() takes no argument, not 1 at character 1");
  EXPECT_EQ(error_of("sum()"), "sum() takes 1 argument, not 0 at character 1");
  EXPECT_EQ(error_of("sum(a, b)"), "sum() takes 1 argument, not 2 at character 1");
}

// The tree as text with all its parentheses.
std::string tree(const Expression& of) {
  switch (of.kind) {
    case Expression::column:
      return of.name;
    case Expression::null:
      return "NULL";
    case Expression::boolean:
      return of.integer_value != 0 ? "TRUE" : "FALSE";
    case Expression::integer:
      return std::to_string(of.integer_value);
    case Expression::real:
      return std::to_string(of.real_value);
    case Expression::text:
      return "'" + of.name + "'";
    default:
      break;
  }
  constexpr const char* kNames[] = {"+",      "-",  "*",    "/",       "%",    "||",     "neg", "=",
                                    "<>",     "<",  "<=",   ">",       ">=",   "and",    "or",  "not",
                                    "isnull", "in", "like", "between", "case", "caseof", "cast"};
  std::string out = of.kind == Expression::call ? of.name : kNames[static_cast<size_t>(of.op)];
  out += "(";
  for (const Expression& argument : of.arguments) out += (out.ends_with('(') ? "" : " ") + tree(argument);
  return out + ")";
}

std::string tree_of(std::string_view text) {
  const Result<Expression> parsed = parse_expression(text);
  return parsed.ok() ? tree(*parsed) : parsed.status().message();
}

TEST(Expression, BindsAsSqlDoes) {
  EXPECT_EQ(tree_of("a OR b AND NOT c = 1 + 2 * 3"), "or(a and(b not(=(c +(1 *(2 3))))))");
  EXPECT_EQ(tree_of("a - b - c"), "-(-(a b) c)");
  EXPECT_EQ(tree_of("(a - (b - c)) * -d"), "*(-(a -(b c)) neg(d))");
  EXPECT_EQ(tree_of("a || b || 'it''s' = c"), "=(||(||(a b) 'it's') c)");
  EXPECT_EQ(tree_of("a is not null and b Is Null"), "and(not(isnull(a)) isnull(b))");
  EXPECT_EQ(tree_of("a BETWEEN 1 AND 2 AND b"), "and(between(a 1 2) b)");
  EXPECT_EQ(tree_of("a NOT IN (1, 'x', NULL) OR b"), "or(not(in(a 1 'x' NULL)) b)");
  EXPECT_EQ(tree_of("a LIKE 'x!%%' ESCAPE '!'"), "like(a 'x!%%' '!')");
  EXPECT_EQ(tree_of("CASE WHEN a THEN 1 ELSE 2 END + 1"), "+(case(a 1 2) 1)");
  EXPECT_EQ(tree_of("CASE a WHEN 1 THEN 'x' END"), "caseof(a 1 'x')");
  EXPECT_EQ(tree_of("CAST(a AS Integer) != -9223372036854775808"), "<>(cast(a) -9223372036854775808)");
  EXPECT_EQ(tree_of("1.5e3 >= +2"), ">=(1500.000000 2)");
  EXPECT_EQ(tree_of("LOWER(\"end\") <> TRUE"), "<>(lower(end) TRUE)");
  EXPECT_EQ(tree_of("count(*)"), "count()");
  EXPECT_EQ(tree_of("a\n AND\tb"), "and(a b)");
}

TEST(Expression, APieceKnowsWhereItStands) {
  const std::string_view text = " (status) < 'abc'  AND x";
  const Result<Expression> parsed = parse_expression(text);
  ASSERT_TRUE(parsed.ok());
  const auto piece = [&](const Expression& of) { return text.substr(of.at, of.end - of.at); };
  EXPECT_EQ(piece(*parsed), "(status) < 'abc'  AND x");
  EXPECT_EQ(piece(parsed->arguments[0]), "(status) < 'abc'");
  EXPECT_EQ(piece(parsed->arguments[0].arguments[0]), "status");
  EXPECT_EQ(piece(parsed->arguments[0].arguments[1]), "'abc'");
}

TEST(Expression, WhatIsNotWellFormed) {
  EXPECT_EQ(error_of("a < b < c"), "a comparison of a comparison needs parentheses at character 7, before '<'");
  EXPECT_EQ(error_of("a = 'x"), "the text that begins here does not end at character 5, before '''");
  EXPECT_EQ(error_of("a IN ()"), "expected a value at character 7, before ')'");
  EXPECT_EQ(error_of("a IS 1"), "expected NULL at character 6, before '1'");
  EXPECT_EQ(error_of("a NOT = 1"), "expected IN, LIKE or BETWEEN at character 7, before '='");
  EXPECT_EQ(error_of("a BETWEEN 1 OR 2"), "expected AND at character 13, before 'O'");
  EXPECT_EQ(error_of("CASE WHEN a 1 END"), "expected THEN at character 13, before '1'");
  EXPECT_EQ(error_of("CASE WHEN a THEN 1"), "expected WHEN, ELSE or END at character 19, where the expression ends");
  EXPECT_EQ(error_of("CAST(a integer)"), "expected AS at character 8, before 'i'");
  EXPECT_EQ(error_of("end = 1"),
            "expected a value, a column or a function at character 1, before 'end' (a column of this name stands in "
            "double quotes)");
  EXPECT_EQ(error_of("9223372036854775808"), "the number 9223372036854775808 is too large at character 1");
  EXPECT_EQ(error_of("1e999"), "the number 1e999 is too large at character 1");
  EXPECT_EQ(error_of("12abc"), "expected the end of the number at character 3, before 'a'");
  EXPECT_EQ(error_of("a --b"), "'--' begins a comment in SQL at character 3: put a space between the two");
  EXPECT_EQ(error_of("a == b"), "expected a value, a column or a function at character 4, before '='");
  EXPECT_EQ(error_of("substr(a)"), "substr() takes 2 or 3 arguments, not 1 at character 1");
  EXPECT_EQ(error_of("concat()"), "concat() takes at least 1 argument, not 0 at character 1");
  EXPECT_EQ(error_of("coalesce(a)"), "coalesce() takes at least 2 arguments, not 1 at character 1");
}

TEST(Expression, LengthIsBounded) {
  std::string text = "a";
  for (int i = 0; i < 400; ++i) text += " + 1";
  EXPECT_EQ(error_of(text), "no error");
  for (int i = 0; i < 400; ++i) text += " + 1";
  EXPECT_EQ(error_of(text).substr(0, 26), "the expression is too long");
}

TEST(Expression, DepthIsBounded) {
  for (const std::string open : {"path(", "(", "NOT ", "- ", "CASE WHEN ", "a = ("}) {
    std::string text;
    for (int i = 0; i < 10000; ++i) text += open;
    EXPECT_EQ(error_of(text).substr(0, 37), "the expression is nested too deeply a") << open;
  }
}

}  // namespace
}  // namespace leat
