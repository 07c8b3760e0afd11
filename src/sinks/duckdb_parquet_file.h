#pragma once

// One Parquet file, made of batches (zstd, by DuckDB): for sinks whose target is files. In builds that have DuckDB. One
// thread.

#include <cstdint>
#include <memory>
#include <string>

#include "data/record_batch.h"
#include "db/duckdb.h"

namespace leat {

struct ParquetOptions {
  uint64_t row_group_rows = 122880;           // DuckDB's own size; at least 2,048
  uint64_t memory_bytes = 256 * 1024 * 1024;  // DuckDB's limit; what needs more goes to `path`.tmp
};

class DuckDbParquetFile {
 public:
  // Nothing is at `path` before finish(). Columns are those of `schema`: boolean, INT64, DOUBLE, UTF8, BYTE_ARRAY where
  // Field::bytes, TIMESTAMP(MICROS), json as text.
  static Result<std::unique_ptr<DuckDbParquetFile>> make(const std::string& path, SchemaPtr schema,
                                                         const ParquetOptions& options = {});
  // Rows [first, first + count) behind those that are there, in their order. A real that is not a number is NULL.
  Status add(const RecordBatch& batch, size_t first, size_t count);
  [[nodiscard]] uint64_t rows() const { return rows_; }
  // Writes the file, and syncs it but not its folder; add() may not follow. Its length in bytes. retry: the disk is
  // full.
  Result<uint64_t> finish();

 private:
  DuckDbParquetFile(std::string path, SchemaPtr schema) : path_(std::move(path)), schema_(std::move(schema)) {}

  std::string path_;
  SchemaPtr schema_;
  uint64_t row_group_rows_ = 0;
  uint64_t rows_ = 0;
  std::unique_ptr<DuckDb> db_;  // in memory; before what writes to it
  std::unique_ptr<DuckDbAppender> appender_;
};

}  // namespace leat
