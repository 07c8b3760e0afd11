#pragma once

// Checks an aggregate's declaration against the columns of the rows (docs/formats/aggregates.md). Pure functions; any
// thread.

#include <vector>

#include "aggregates/aggregate.h"
#include "aggregates/key.h"

namespace leat {

struct BoundKey {
  KeyFunction function = KeyFunction::column;
  size_t input = 0;        // index into the schema
  Type type = Type::text;  // of the input
};

struct BoundMeasure {
  Measure measure = Measure::count;
  size_t input = 0;        // of all but count
  Type type = Type::text;  // of the input
};

struct Binding {
  std::vector<BoundKey> keys;
  std::vector<BoundMeasure> measures;
  std::vector<AggregateColumn> columns;
  std::vector<size_t> inputs;
  TimeZone zone;
};

// bad_config as Aggregate::bind says.
Result<Binding> bind_aggregate(const AggregateSpec& spec, const Schema& schema);

}  // namespace leat
