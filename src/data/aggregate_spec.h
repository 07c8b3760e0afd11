#pragma once

// An aggregate as it was declared: names and expressions as text, checked by aggregates/. Plain value; any thread.

#include <string>
#include <vector>

namespace leat {

struct NamedExpression {
  std::string name;        // of the column in the aggregate's table
  std::string expression;  // "day(time)", "count_distinct(remote_addr)"
  friend bool operator==(const NamedExpression&, const NamedExpression&) = default;
};

struct AggregateSpec {
  std::string name;                    // also the name of its table
  std::string pipeline;                // whose rows it counts
  std::string timezone = "UTC";        // IANA name, for day(), hour(), month(), minute()
  std::vector<NamedExpression> by;     // keys, in the order of the columns
  std::vector<NamedExpression> value;  // measures, in the order of the columns
  friend bool operator==(const AggregateSpec&, const AggregateSpec&) = default;
};

}  // namespace leat
