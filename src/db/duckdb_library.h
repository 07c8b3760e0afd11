#pragma once

// DuckDB's library, loaded when a database is first opened: a process that opens none is 14 MiB smaller. The only
// file that calls into it by name; the others say duckdb().open_ext(…) for duckdb_open_ext(…).

#include <duckdb.h>

#include "base/status.h"

namespace leat {

// The functions of its C API that leat uses, without "duckdb_".
// clang-format off
#define LEAT_DUCKDB_FUNCTIONS(X) \
  X(append_data_chunk) X(appender_column_count) X(appender_column_type) X(appender_create) \
  X(appender_create_query) X(appender_destroy) X(appender_error_data) X(appender_flush) X(bind_blob) \
  X(bind_double) X(bind_int64) X(bind_null) X(bind_timestamp) X(bind_varchar_length) X(close) X(column_count) \
  X(column_type) X(connect) X(create_config) X(create_data_chunk) X(create_logical_type) \
  X(data_chunk_get_size) X(data_chunk_get_vector) X(data_chunk_reset) X(data_chunk_set_size) X(destroy_config) \
  X(destroy_data_chunk) X(destroy_error_data) X(destroy_logical_type) X(destroy_pending) X(destroy_prepare) \
  X(destroy_result) X(disconnect) X(error_data_error_type) X(error_data_message) X(execute_pending) \
  X(execute_prepared) X(fetch_chunk) X(free) X(library_version) X(open_ext) X(pending_error) \
  X(pending_execute_task) X(pending_execution_is_finished) X(pending_prepared) X(pending_prepared_streaming) \
  X(prepare) X(prepare_error) X(query) X(result_error) X(result_error_type) X(rows_changed) X(set_config) \
  X(string_t_data) X(string_t_length) X(vector_assign_string_element_len) X(vector_ensure_validity_writable) \
  X(vector_get_data) X(vector_get_validity) X(vector_size)
// clang-format on

struct DuckDbLibrary {
#define LEAT_MEMBER(name) decltype(&::duckdb_##name) name = nullptr;
  LEAT_DUCKDB_FUNCTIONS(LEAT_MEMBER)
#undef LEAT_MEMBER
};

// Once for the process; any thread. bad_config: it is not there, or is another one.
Status load_duckdb();
// After load_duckdb().
const DuckDbLibrary& duckdb();

}  // namespace leat
