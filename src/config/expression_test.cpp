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
  EXPECT_EQ(error_of("", &at), "expected a column or a function at character 1, where the expression ends");
  EXPECT_EQ(at, 0U);
  EXPECT_EQ(error_of("sum(", &at), "expected a column or a function at character 5, where the expression ends");
  EXPECT_EQ(at, 4U);
  EXPECT_EQ(error_of("sum(a b)", &at), "expected ',' or ')' at character 7, before 'b'");
  EXPECT_EQ(at, 6U);
  EXPECT_EQ(error_of("sum(a)x"), "expected the end of the expression at character 7, before 'x'");
  EXPECT_EQ(error_of("1"), "expected a column or a function at character 1, before '1'");
  EXPECT_EQ(error_of("sum(\"a)"), "the quoted name that begins here does not end at character 5, before '\"'");
  EXPECT_EQ(error_of("\"\""), "the name of a column is empty at character 1, before '\"'");
  EXPECT_EQ(error_of("sum(\x1B)"), "expected a column or a function at character 5, before '\\x1B'");
}

TEST(Expression, UnknownFunctionIsAnErrorWithASuggestion) {
  EXPECT_EQ(error_of("count_distnct(a)"),
            "unknown function 'count_distnct' at character 1 (did you mean 'count_distinct'?)");
  EXPECT_EQ(
      error_of("sum(median(a))"),
      "unknown function 'median' at character 5 (there are: minute, hour, day, month, path, browser, referrer, count, "
      "sum, min, max, "
      "count_distinct)");
}

TEST(Expression, ArgumentsAreCounted) {
  EXPECT_EQ(error_of("count(a)"), "count() takes no argument, not 1 at character 1");
  EXPECT_EQ(error_of("sum()"), "sum() takes 1 argument, not 0 at character 1");
  EXPECT_EQ(error_of("sum(a, b)"), "sum() takes 1 argument, not 2 at character 1");
}

TEST(Expression, DepthIsBounded) {
  std::string text;
  for (int i = 0; i < 10000; ++i) text += "path(";
  EXPECT_EQ(error_of(text).substr(0, 37), "the expression is nested too deeply a");
}

}  // namespace
}  // namespace leat
