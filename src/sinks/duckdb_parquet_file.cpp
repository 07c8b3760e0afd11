#include "sinks/duckdb_parquet_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "db/duckdb_stream.h"
#include "db/sql.h"
#include "os/file_system.h"
#include "os/output_file.h"
#include "sinks/duckdb_rows.h"

namespace leat {
namespace {

constexpr uint64_t kRowGroup = 122880;  // DuckDB's own
constexpr size_t kHashBlock = 256 * 1024;

uint64_t bytes_of(const RecordBatch& batch, size_t first, size_t count) {
  const std::vector<Field>& fields = batch.schema().fields;
  uint64_t bytes = 8 * fields.size() * count;
  for (size_t c = 0; c < fields.size(); ++c) {
    if (fields[c].type != Type::text && fields[c].type != Type::json) continue;
    for (size_t row = first; row < first + count; ++row) {
      if (!batch.is_null(c, row)) bytes += batch.text(c, row).size();
    }
  }
  return bytes;
}

class ParquetFile final : public DataFile {
 public:
  explicit ParquetFile(std::string path) : path_(std::move(path)) {}
  // What has no end is of no use.
  ~ParquetFile() override {
    if (stream_ == nullptr) return;
    stream_.reset();
    static_cast<void>(os::remove_file(path_).ok());
  }

  // Rows are compressed and written, a row group at a time, while they come.
  Status start(const DuckDb& db, const Schema& schema, const std::string& compression) {
    std::vector<DuckDbColumn> columns;
    // JSON is text in the file: of readers only some know Parquet's own mark for it.
    for (const Field& field : schema.fields) columns.push_back({field.name, field.type, field.bytes});
    LEAT_ASSIGN(stream_, DuckDbStream::begin(db, std::move(columns), [&](const std::string& rows) {
                  return fmt::format(
                      "COPY (FROM {}) TO {} (FORMAT parquet, COMPRESSION {}, ROW_GROUP_SIZE {}, USE_TMP_FILE false)",
                      rows, sql_text(path_), compression, kRowGroup);
                }));
    return {};
  }

  Status add(const RecordBatch& batch, size_t first, size_t count) override {
    bytes_ += bytes_of(batch, first, count);
    while (count > 0) {
      LEAT_TRY(stream_->make_room().within(visible(path_)));
      const size_t some = std::min(count, stream_->room());
      for (size_t c = 0; c < batch.schema().fields.size(); ++c) {
        put_duckdb_cells(*stream_, c, batch, c, first, some);
      }
      stream_->add_rows(some);
      first += some;
      count -= some;
    }
    return {};
  }

  Status seal() override {
    LEAT_TRY(stream_->finish().within(visible(path_)));
    stream_.reset();
    LEAT_TRY(os::sync_file(path_));
    LEAT_ASSIGN(const auto file, os::file_system().open(path_, os::Links::refuse));
    if (file == nullptr) return Status::retry(visible(path_) + ": is gone while leat wrote it; leat writes it again");
    Hasher128 hasher;
    std::string block(kHashBlock, '\0');
    for (bytes_ = 0;;) {
      LEAT_ASSIGN(const size_t size, file->read_at(bytes_, block.data(), block.size()));
      if (size == 0) break;
      hasher.add(std::string_view(block).substr(0, size));
      bytes_ += size;
    }
    hash_ = hasher.hash();
    return {};
  }
  [[nodiscard]] uint64_t bytes() const override { return bytes_; }
  [[nodiscard]] Hash128 hash() const override { return hash_; }

 private:
  const std::string path_;
  std::unique_ptr<DuckDbStream> stream_;
  uint64_t bytes_ = 0;
  Hash128 hash_{};
};

class ParquetFiles final : public FileMaker {
 public:
  explicit ParquetFiles(FileMaking making) : making_(std::move(making)) {}

  Result<std::unique_ptr<DataFile>> open(const std::string& path, const SchemaPtr& schema, uint64_t bytes) override {
    if (bytes > 0) return Status::bug(visible(path) + ": a Parquet file cannot be continued");
    if (db_ == nullptr) {
      LEAT_ASSIGN(auto db, DuckDb::open({.path = "", .memory_bytes = making_.memory_bytes}));
      LEAT_TRY(db->execute("SET temp_directory = " + sql_text(making_.spill)));
      LEAT_TRY(DuckDbStream::prepare(*db));
      db_ = std::move(db);
    }
    const std::string& asked = making_.compression;
    auto file = std::make_unique<ParquetFile>(path);
    LEAT_TRY(file->start(*db_, *schema, asked.empty() ? "zstd" : asked == "none" ? "uncompressed" : asked));
    return std::unique_ptr<DataFile>(std::move(file));
  }

 private:
  const FileMaking making_;
  std::unique_ptr<DuckDb> db_;  // in memory
};

std::unique_ptr<FileMaker> make_parquet_files(const FileMaking& making) {
  return std::make_unique<ParquetFiles>(making);
}

}  // namespace

constinit const FileFormat kParquetFiles{".parquet", false, false, make_parquet_files};

}  // namespace leat
