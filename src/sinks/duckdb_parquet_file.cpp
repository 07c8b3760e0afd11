#include "sinks/duckdb_parquet_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "db/sql.h"
#include "os/file_system.h"
#include "os/output_file.h"
#include "sinks/duckdb_rows.h"

namespace leat {

Result<std::unique_ptr<DuckDbParquetFile>> DuckDbParquetFile::make(const std::string& path, SchemaPtr schema,
                                                                   const ParquetOptions& options) {
  std::unique_ptr<DuckDbParquetFile> file(new DuckDbParquetFile(path, std::move(schema)));
  file->row_group_rows_ = options.row_group_rows;
  LEAT_ASSIGN(file->db_, DuckDb::open({.path = "", .memory_bytes = options.memory_bytes}));
  std::string columns;
  for (const Field& field : file->schema_->fields) {
    columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", sql_name(field.name),
                           duckdb_type_name(field.type == Type::json ? Type::text : field.type, field.bytes));
  }
  LEAT_TRY(file->db_->execute(
      fmt::format("SET temp_directory = {}; CREATE TABLE file({})", sql_text(path + ".tmp"), columns)));
  LEAT_ASSIGN(file->appender_, DuckDbAppender::into(*file->db_, "file"));
  return file;
}

Status DuckDbParquetFile::add(const RecordBatch& batch, size_t first, size_t count) {
  rows_ += count;
  while (count > 0) {
    LEAT_TRY(appender_->make_room());
    const size_t some = std::min(count, appender_->room());
    for (size_t c = 0; c < schema_->fields.size(); ++c) put_duckdb_cells(*appender_, c, batch, c, first, some);
    appender_->add_rows(some);
    first += some;
    count -= some;
  }
  return {};
}

Result<uint64_t> DuckDbParquetFile::finish() {
  LEAT_TRY(appender_->flush());
  appender_.reset();
  LEAT_TRY(db_->execute(fmt::format("COPY file TO {} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {})",
                                    sql_text(path_), row_group_rows_)));
  db_.reset();
  LEAT_TRY(os::sync_file(path_));
  LEAT_ASSIGN(const auto info, os::file_system().info(path_, os::Links::follow));
  if (!info) return Status::retry(visible(path_) + ": is gone while leat wrote it; leat writes it again");
  return info->size;
}

}  // namespace leat
