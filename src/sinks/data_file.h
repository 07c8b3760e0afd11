#pragma once

// Files that a sink of type `files` writes rows into (docs/formats/files-sink.md §2). Owned by the sink; the sink's
// thread. Errors: retry, fatal, with the path.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

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

  // Rows [first, first + count) behind those that are there.
  virtual Status add(const RecordBatch& batch, size_t first, size_t count) = 0;
  // All rows so far are on disk. More may follow if the format lets a file go on; see FileFormat::grows.
  virtual Status seal() = 0;
  // As of the last seal(); before it about so many.
  [[nodiscard]] virtual uint64_t bytes() const = 0;
  // As of the last seal().
  [[nodiscard]] virtual Hash128 hash() const = 0;
};

// Makes the files of one format; outlives them.
class FileMaker {
 public:
  FileMaker() = default;
  FileMaker(const FileMaker&) = delete;
  FileMaker& operator=(const FileMaker&) = delete;
  virtual ~FileMaker() = default;
  // A new file, or with `bytes` > 0 one that is there and is cut to so many.
  virtual Result<std::unique_ptr<DataFile>> open(const std::string& path, const SchemaPtr& schema, uint64_t bytes) = 0;
};

struct FileMaking {
  std::string compression;    // "none", "gzip", "zstd"; empty: what suits the format
  uint64_t memory_bytes = 0;  // for rows that are gathered before they are written
  std::string spill;          // a folder for those that do not fit; it may be made and removed
};

// How files are written.
struct FileFormat {
  std::string_view extension;    // ".csv"
  bool extension_shows = false;  // how they are compressed: ".csv.gz"
  bool grows = false;            // a file may be sealed more than once, and be continued
  std::unique_ptr<FileMaker> (*make)(const FileMaking& making) = nullptr;
};

extern const FileFormat kCsvFiles;
extern const FileFormat kNdjsonFiles;

// "gzip" → ".gz".
std::string_view compression_extension(std::string_view compression);

}  // namespace leat
