#pragma once

// Bytes become rows or rejects. Every function may be called by several threads at once: a chunk is self-contained, so
// decode() needs nothing that an earlier chunk has left.

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "data/record_batch.h"
#include "data/reject.h"
#include "flow/chunk.h"
#include "flow/cutter.h"

namespace leat {

class Decoder {
 public:
  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  virtual ~Decoder() = default;

  // The columns of every batch. May grow between two opens of a pipeline (Cutter::whole), never while one is open.
  // Null: not known before the first bytes were seen.
  [[nodiscard]] virtual SchemaPtr schema() const = 0;
  // What was inferred from the data, to be kept by the sink and given back before anything else when a later run
  // starts: text of any length; "": nothing. restore_schema() fails with bad_config when the text is not of this
  // format.
  [[nodiscard]] virtual std::string save_schema() const { return {}; }
  virtual Status restore_schema(std::string_view /*saved*/) { return {}; }
  [[nodiscard]] virtual std::unique_ptr<Cutter> make_cutter(const std::string& origin) = 0;

  // Each record of the chunk becomes one row of `batch` or one reject; blank lines are neither. `batch` is empty and of
  // schema(). Its part, origin, provisional and arena (the chunk's bytes, moved) are set here.
  virtual void decode(Chunk&& chunk, RecordBatch& batch, Rejects& rejects) = 0;
};

}  // namespace leat
