#pragma once

// Checks an aggregate's declaration against the columns of the rows (docs/formats/aggregates.md). Pure functions; any
// thread.

#include <memory>
#include <vector>

#include "aggregates/aggregate.h"
#include "aggregates/key.h"
#include "expressions/bound_expression.h"

namespace leat {

struct BoundKey {
  KeyFunction function = KeyFunction::column;
  size_t input = 0;        // index into the schema, or into Binding::computed
  Type type = Type::text;  // of the input
  bool computed = false;
};

struct BoundMeasure {
  Measure measure = Measure::count;
  size_t input = 0;        // of all but count; as BoundKey::input
  Type type = Type::text;  // of the input
  bool computed = false;
};

struct Binding {
  std::vector<BoundKey> keys;
  std::vector<BoundMeasure> measures;
  std::vector<AggregateColumn> columns;
  std::vector<std::shared_ptr<const BoundExpression>> computed;  // what is neither a column nor a key's function of one
  std::vector<size_t> inputs;
  TimeZone zone;
};

// bad_config as Aggregate::bind says.
Result<Binding> bind_aggregate(const AggregateSpec& spec, const Schema& schema);

}  // namespace leat
