#pragma once

// Aggregate::bind with another bound of memory, for the tests of what is forgotten. Any thread.

#include <cstdint>
#include <memory>

#include "aggregates/aggregate.h"

namespace leat {

// `known_bytes`: for the keys of buckets that are kept from commit to commit, and for the known values of each
// count_distinct; kUnbounded: all of them (Keeping::all).
constexpr size_t kUnbounded = SIZE_MAX;
Result<std::unique_ptr<Aggregate>> bind_with_known_bytes(const AggregateSpec& spec, const Schema& schema,
                                                         size_t known_bytes);

}  // namespace leat
