#pragma once

// What rows that come and go change in an aggregate: how many rows each bucket gains or loses, what that does to the
// exact sums, and which values it has more or less often. For tables whose rows change (write = "merge"): there an
// Aggregate's deltas (aggregate.h) are not sufficient, a smallest value cannot be taken back. One thread (the sink's).

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "aggregates/aggregate.h"
#include "aggregates/exact_sum.h"

namespace leat {

class Tally {
 public:
  // bad_config as Aggregate::bind.
  static Result<std::unique_ptr<Tally>> bind(const AggregateSpec& spec, const Schema& schema);

  Tally() = default;
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;
  virtual ~Tally() = default;

  // As of an Aggregate.
  [[nodiscard]] virtual const AggregateSpec& spec() const = 0;
  [[nodiscard]] virtual const std::vector<AggregateColumn>& columns() const = 0;
  [[nodiscard]] virtual const std::vector<size_t>& inputs() const = 0;

  // times: 1, the rows have come; -1, they have gone.
  virtual void add(const RecordBatch& batch, size_t first, size_t count, int times) = 0;

  // The buckets that rows came to or went from since clear(), numbered from 0.
  [[nodiscard]] virtual size_t buckets() const = 0;
  [[nodiscard]] virtual AggregateValue key(size_t bucket, size_t column) const = 0;
  [[nodiscard]] virtual int64_t rows(size_t bucket) const = 0;  // gained; negative: lost
  // `column` indexes columns(), one of a sum.
  [[nodiscard]] virtual const ExactSum& sum(size_t bucket, size_t column) const = 0;
  // Of a min, max or count_distinct: the values whose number of rows has changed, by how many; each at most once,
  // ordered by bucket, then by value, so that a table ordered by them is gone through in order.
  virtual Status for_each_value(
      size_t column,
      const std::function<Status(size_t bucket, const AggregateValue& value, int64_t rows)>& visit) const = 0;
  virtual void clear() = 0;
};

}  // namespace leat
