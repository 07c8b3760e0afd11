#include <fmt/format.h>

#include <algorithm>

#include "db/duckdb.h"
#include "db/duckdb_library.h"

namespace leat {

duckdb_type duckdb_type_of(Type type, bool bytes) {
  switch (type) {
    case Type::boolean:
      return DUCKDB_TYPE_BOOLEAN;
    case Type::integer:
      return DUCKDB_TYPE_BIGINT;
    case Type::real:
      return DUCKDB_TYPE_DOUBLE;
    case Type::time:
      return DUCKDB_TYPE_TIMESTAMP;
    case Type::text:
    case Type::json:
      break;
  }
  return bytes ? DUCKDB_TYPE_BLOB : DUCKDB_TYPE_VARCHAR;
}

Result<std::unique_ptr<DuckDbAppender>> DuckDbAppender::into(const DuckDb& db, const std::string& table) {
  std::unique_ptr<DuckDbAppender> made(new DuckDbAppender(db));
  if (duckdb().appender_create(db.connection(), nullptr, table.c_str(), &made->appender_) != DuckDBSuccess) {
    return made->failure();
  }
  LEAT_TRY(made->prepare());
  return made;
}

Result<std::unique_ptr<DuckDbAppender>> DuckDbAppender::query(const DuckDb& db, const std::string& sql,
                                                              const std::vector<DuckDbColumn>& columns) {
  std::unique_ptr<DuckDbAppender> made(new DuckDbAppender(db));
  std::vector<duckdb_logical_type> types;
  std::vector<const char*> names;
  for (const DuckDbColumn& column : columns) {
    types.push_back(duckdb().create_logical_type(duckdb_type_of(column.type, column.bytes)));
    names.push_back(column.name.c_str());
  }
  const duckdb_state state = duckdb().appender_create_query(db.connection(), sql.c_str(), columns.size(), types.data(),
                                                            "rows", names.data(), &made->appender_);
  for (duckdb_logical_type& type : types) duckdb().destroy_logical_type(&type);
  if (state != DuckDBSuccess) return made->failure();
  LEAT_TRY(made->prepare());
  return made;
}

DuckDbAppender::~DuckDbAppender() {
  if (chunk_ != nullptr) duckdb().destroy_data_chunk(&chunk_);
  // What was not flushed goes: nothing is left in it, or the transaction is rolled back.
  if (appender_ != nullptr) duckdb().appender_destroy(&appender_);
}

Status DuckDbAppender::prepare() {
  const idx_t count = duckdb().appender_column_count(appender_);
  std::vector<duckdb_logical_type> types;
  for (idx_t i = 0; i < count; ++i) types.push_back(duckdb().appender_column_type(appender_, i));
  chunk_ = duckdb().create_data_chunk(types.data(), count);
  for (duckdb_logical_type& type : types) duckdb().destroy_logical_type(&type);
  if (chunk_ == nullptr) return Status::bug(db_->where() + ": no room for rows can be made");
  count_ = count;
  look_up(chunk_, count_);
  return {};
}

void DuckDbCells::look_up(duckdb_data_chunk chunk, size_t columns) {
  columns_.resize(columns);
  capacity_ = duckdb().vector_size();
  rows_ = 0;
  for (size_t i = 0; i < columns_.size(); ++i) {
    columns_[i].vector = duckdb().data_chunk_get_vector(chunk, i);
    columns_[i].cells = duckdb().vector_get_data(columns_[i].vector);
    columns_[i].valid = nullptr;
  }
}

void DuckDbCells::set_null(size_t column, size_t at) {
  Vector& vector = columns_[column];
  if (vector.valid == nullptr) {
    duckdb().vector_ensure_validity_writable(vector.vector);
    vector.valid = duckdb().vector_get_validity(vector.vector);
  }
  const size_t row = rows_ + at;
  vector.valid[row >> 6] &= ~(1ULL << (row & 63));
}

void DuckDbCells::set_text(size_t column, size_t at, std::string_view text) {
  // A short one stands in the cell itself.
  duckdb_string_t short_text{};
  if (text.size() > sizeof short_text.value.inlined.inlined) {
    duckdb().vector_assign_string_element_len(columns_[column].vector, rows_ + at, text.data(), text.size());
    return;
  }
  short_text.value.inlined.length = static_cast<uint32_t>(text.size());
  std::copy(text.begin(), text.end(), short_text.value.inlined.inlined);
  cells<duckdb_string_t>(column)[at] = short_text;
}

Status DuckDbAppender::add(std::span<const DuckDbValue> row) {
  LEAT_TRY(make_room());
  for (size_t i = 0; i < row.size(); ++i) {
    const DuckDbValue& value = row[i];
    if (std::holds_alternative<std::nullptr_t>(value)) {
      set_null(i, 0);
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      cells<int64_t>(i)[0] = *integer;
    } else if (const auto* number = std::get_if<uint64_t>(&value)) {
      cells<uint64_t>(i)[0] = *number;
    } else if (const auto* real = std::get_if<double>(&value)) {
      cells<double>(i)[0] = *real;
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      set_text(i, 0, *text);
    } else if (const auto* bytes = std::get_if<DuckDbBytes>(&value)) {
      set_text(i, 0, bytes->bytes);
    } else if (const auto* time = std::get_if<DuckDbTime>(&value)) {
      cells<int64_t>(i)[0] = time->micros;
    }
  }
  add_rows(1);
  return {};
}

Status DuckDbAppender::append() {
  if (rows() == 0) return {};
  duckdb().data_chunk_set_size(chunk_, rows());
  if (duckdb().append_data_chunk(appender_, chunk_) != DuckDBSuccess) return failure();
  duckdb().data_chunk_reset(chunk_);
  look_up(chunk_, count_);
  return {};
}

Status DuckDbAppender::flush() {
  LEAT_TRY(append());
  return duckdb().appender_flush(appender_) == DuckDBSuccess ? Status() : failure();
}

Status DuckDbAppender::failure() const {
  duckdb_error_data error = duckdb().appender_error_data(appender_);
  const char* message = duckdb().error_data_message(error);
  Status status = db_->failure(duckdb().error_data_error_type(error), message == nullptr ? "" : message);
  duckdb().destroy_error_data(&error);
  return status;
}

}  // namespace leat
