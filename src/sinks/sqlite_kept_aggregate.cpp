#include "sinks/sqlite_kept_aggregate.h"

#include <fmt/format.h>

#include "sinks/sqlite_aggregates.h"
#include "sinks/sqlite_tally_table.h"

namespace leat {

void AggregateBinder::bind(SqliteStatement& statement, int at, const AggregateValue& value, size_t column) {
  switch (value.kind) {
    case AggregateValue::Kind::null:
      statement.bind_null(at);
      break;
    case AggregateValue::Kind::integer: {
      const AggregateColumn& to = (*columns_)[column];
      const bool counts_values = !to.key && to.measure == Measure::count_distinct;
      if ((counts_values ? to.argument : to.type) == Type::time) {
        statement.bind(at, times_[column].format(value.integer));
      } else {
        statement.bind(at, value.integer);
      }
      break;
    }
    case AggregateValue::Kind::real:
      statement.bind(at, value.real);
      break;
    case AggregateValue::Kind::text:
      statement.bind_bytes(at, value.text);
      break;
  }
}

std::string bucket_table(const std::string& aggregate) {
  return "_leat_buckets_" + aggregate;
}

std::string distinct_table(const std::string& aggregate, const std::string& measure) {
  return "_leat_distinct_" + aggregate + "_" + measure;
}

std::string keys_are(const std::vector<AggregateColumn>& columns, size_t first) {
  std::string condition;
  for (const AggregateColumn& column : columns) {
    if (!column.key) break;
    if (!condition.empty()) condition += " AND ";
    condition += fmt::format("{} IS ?{}", sql_name(column.name), first++);
  }
  return condition.empty() ? "1" : condition;
}

Result<std::unique_ptr<KeptAggregate>> make_kept_aggregate(const SqliteDatabase& db, const AggregateSpec& spec,
                                                           const Schema& schema, const std::string& space, bool create,
                                                           WriteMode mode) {
  return mode == WriteMode::merge ? TallyTable::make(db, spec, schema, space, create)
                                  : AggregateTable::make(db, spec, schema, space, create);
}

}  // namespace leat
