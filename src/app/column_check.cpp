#include "app/column_check.h"

#include <fmt/format.h>

#include "base/text.h"
#include "expressions/bound_expression.h"

namespace leat::app {
namespace {

std::vector<std::string_view> names_of(const Schema& schema) {
  std::vector<std::string_view> names;
  for (const Field& field : schema.fields) names.push_back(field.name);
  return names;
}

void check_columns(const Expression& expression, const Value& value, const Schema& schema, Complaints& complaints) {
  for (const Expression& argument : expression.arguments) check_columns(argument, value, schema, complaints);
  if (expression.kind != Expression::column || schema.find(expression.name)) return;
  const bool secret = !value.written.empty();
  complaints.add(place_within(value, expression.at, expression.end - expression.at),
                 fmt::format("unknown column {}{}", secret ? shown(value) : quoted(expression.name),
                             suggestion(secret ? "" : expression.name, names_of(schema))));
}

bool is_measure(const Expression& expression) {
  return expression.kind == Expression::call && find_expression_function(expression.name)->measure;
}

}  // namespace

void check_column(const Value& column, const Schema& schema, Complaints& complaints) {
  if (schema.find(column.text)) return;
  complaints.add(column.at,
                 fmt::format("unknown column {}{}", shown(column), suggestion_for(column, names_of(schema))));
}

void check_expression(const Value& value, const Schema& schema, Complaints& complaints) {
  const Result<Expression> parsed = parse_expression(value.text);
  if (!parsed.ok()) return;  // has been complained of
  const size_t before = complaints.count();
  check_columns(*parsed, value, schema, complaints);
  if (complaints.count() != before || !value.written.empty()) return;
  for (const Expression& part : is_measure(*parsed) ? parsed->arguments : std::vector<Expression>{*parsed}) {
    if (part.kind == Expression::column) continue;
    ExpressionPlace wrong;
    const auto bound = BoundExpression::bind(part, value.text, schema, *TimeZone::find("UTC"), &wrong);
    if (bound.ok()) continue;
    complaints.add(place_within(value, wrong.at, wrong.end - wrong.at), bound.status().message());
  }
}

}  // namespace leat::app
