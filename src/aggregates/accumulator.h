#pragma once

// The deltas of one measure, by bucket. One thread (the aggregate's).

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "aggregates/aggregate.h"
#include "aggregates/bucket_table.h"
#include "data/record_batch.h"

namespace leat {

class Accumulator {
 public:
  Accumulator() = default;
  Accumulator(const Accumulator&) = delete;
  Accumulator& operator=(const Accumulator&) = delete;
  virtual ~Accumulator() = default;

  // Before add(): buckets [what was, table.size()) are new.
  virtual void grow(const BucketTable& table) = 0;
  virtual void add(const RecordBatch& batch, std::span<const Placed> rows) = 0;
  // Adds what `part` has got from rows of `batch`; its bucket i is bucket places[i] here. An accumulator gets either
  // rows or parts.
  virtual void take_in(const Accumulator& part, std::span<const uint32_t> places, const RecordBatch& batch) = 0;
  [[nodiscard]] virtual AggregateValue value(size_t bucket) const = 0;
  // The deltas of these buckets are 0 again, and those of no other were not.
  virtual void reset(std::span<const uint32_t> buckets) = 0;
  // As it was made, but for what is known.
  virtual void clear() = 0;
  [[nodiscard]] virtual size_t memory_bytes() const = 0;

  // Of a count_distinct only.
  virtual Status for_each_candidate(const std::function<Status(size_t, AggregateValue)>& visit);
  virtual void forget_known() {}
};

// A known-set of a count_distinct takes at most `known_bytes`; SIZE_MAX: it holds all, and its value is their number;
// 0: it gets rows and becomes part of another.
constexpr size_t kKnownBytes = 4 * 1024 * 1024;

// `type`: of the column `input` (any for count).
std::unique_ptr<Accumulator> make_accumulator(Measure measure, size_t input, Type type, uint64_t seed,
                                              size_t known_bytes);

}  // namespace leat
