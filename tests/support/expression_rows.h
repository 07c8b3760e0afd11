#pragma once

// What the tests of expressions are evaluated over.

#include <string>
#include <variant>
#include <vector>

#include "expressions/bound_expression.h"

namespace leat::expressions {

using Shown = std::variant<std::monostate, bool, int64_t, double, std::string>;  // monostate: NULL

inline SchemaPtr sample_schema() {
  auto schema = std::make_shared<Schema>();
  schema->fields = {{"i", Type::integer}, {"j", Type::integer},     {"r", Type::real},    {"q", Type::real},
                    {"s", Type::text},    {"u", Type::text},        {"b", Type::boolean}, {"t", Type::time},
                    {"doc", Type::json},  {"raw", Type::text, true}};
  return schema;
}

// Puts `value` into the batch, as the column's type has it; NULL puts nothing.
inline void put(RecordBatch& batch, size_t column, size_t row, const Shown& value) {
  if (const auto* truth = std::get_if<bool>(&value)) batch.set(column, row, *truth ? 1 : 0);
  if (const auto* integer = std::get_if<int64_t>(&value)) batch.set_integer(column, row, *integer);
  if (const auto* real = std::get_if<double>(&value)) batch.set_real(column, row, *real);
  if (const auto* text = std::get_if<std::string>(&value)) batch.set_new_text(column, row, *text);
}

inline Result<std::shared_ptr<const BoundExpression>> bind_text(std::string_view text, const Schema& schema,
                                                                const std::string& zone = "UTC",
                                                                ExpressionPlace* error = nullptr) {
  LEAT_ASSIGN(const Expression parsed, parse_expression(text));
  LEAT_ASSIGN(const TimeZone found, TimeZone::find(zone));
  return BoundExpression::bind(parsed, text, schema, found, error);
}

// What an Evaluation has made of all rows of a batch.
inline std::vector<Shown> values_of(Evaluation& evaluation, Type type, const RecordBatch& batch,
                                    std::vector<Trouble>& troubles) {
  const size_t words = (batch.rows() + 63) / 64;
  std::vector<uint64_t> cells(words * 64);
  std::vector<uint64_t> valid(words);
  evaluation.values(batch, 0, batch.rows(), cells.data(), valid.data(), &troubles);
  const std::string texts = batch.arena + evaluation.made();
  std::vector<Shown> shown(batch.rows());
  for (size_t row = 0; row < batch.rows(); ++row) {
    if ((valid[row / 64] >> (row % 64) & 1) == 0) continue;
    if (type == Type::boolean) shown[row] = cells[row] != 0;
    if (type == Type::integer || type == Type::time) shown[row] = static_cast<int64_t>(cells[row]);
    if (type == Type::real) shown[row] = std::bit_cast<double>(cells[row]);
    if (type == Type::text) shown[row] = texts.substr(text_offset(cells[row]), text_length(cells[row]));
  }
  return shown;
}

}  // namespace leat::expressions
