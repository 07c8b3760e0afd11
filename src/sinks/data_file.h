#pragma once

// A file that a sink of type `files` writes rows into (docs/formats/files-sink.md §2). Owned by the sink; the sink's
// thread. Errors: fatal, with the path.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/status.h"
#include "data/record_batch.h"

namespace leat {

class DataFile {
 public:
  DataFile() = default;
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;
  virtual ~DataFile() = default;

  virtual Status add(const RecordBatch& batch, size_t row) = 0;
  // All rows so far are on disk. More may follow if the format lets a file go on; see FileFormat::grows.
  virtual Status seal() = 0;
  // As of the last seal().
  [[nodiscard]] virtual uint64_t bytes() const = 0;
  [[nodiscard]] virtual Hash128 hash() const = 0;
};

// How files are written; one plain table of them.
struct FileFormat {
  std::string_view name;       // as configured
  std::string_view extension;  // ".csv"
  bool compresses = false;     // the option `compression` is for it
  bool grows = false;          // a file may be sealed more than once, and be continued
  // A new file, or with `bytes` > 0 one that is there and is cut to so many. `compression`: "none", "gzip", "zstd".
  Result<std::unique_ptr<DataFile>> (*open)(const std::string& path, const SchemaPtr& schema,
                                            const std::string& compression, uint64_t bytes);
};

const FileFormat* find_file_format(std::string_view name);
std::vector<std::string_view> file_format_names();
// "gzip" → ".gz".
std::string_view compression_extension(std::string_view compression);

Result<std::unique_ptr<DataFile>> open_csv_file(const std::string& path, const SchemaPtr& schema,
                                                const std::string& compression, uint64_t bytes);
Result<std::unique_ptr<DataFile>> open_ndjson_file(const std::string& path, const SchemaPtr& schema,
                                                   const std::string& compression, uint64_t bytes);

}  // namespace leat
