#pragma once

// Rows become rows. bind() is called by the sink's thread before a run begins, apply() by several threads at once
// after it: a transform keeps nothing from batch to batch.

#include <cstdint>

#include "base/status.h"
#include "data/record_batch.h"
#include "data/reject.h"

namespace leat {

class Transform {
 public:
  Transform() = default;
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;
  virtual ~Transform() = default;

  // The columns after it, given those before it. bad_config: they do not fit; the message names them.
  virtual Result<SchemaPtr> bind(const SchemaPtr& in) = 0;

  // `batch` has the columns that bind() was given and gets those that it returned. A row that does not fit becomes a
  // reject; rows that it takes out on purpose are added to `filtered`.
  virtual void apply(RecordBatch& batch, Rejects& rejects, uint64_t& filtered) const = 0;
};

}  // namespace leat
