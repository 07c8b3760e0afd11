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
  X(appender_create_query) X(appender_destroy) X(appender_error_data) X(appender_flush) X(bind_add_result_column) X(bind_blob) \
  X(bind_double) X(bind_get_parameter) X(bind_int64) X(bind_null) X(bind_timestamp) X(bind_set_bind_data) X(bind_varchar_length) X(close) X(column_count) \
  X(column_type) X(connect) X(create_config) X(create_data_chunk) X(create_logical_type) X(create_table_function) \
  X(data_chunk_get_size) X(data_chunk_get_vector) X(data_chunk_reset) X(data_chunk_set_size) X(destroy_config) \
  X(destroy_data_chunk) X(destroy_error_data) X(destroy_logical_type) X(destroy_pending) X(destroy_prepare) \
  X(destroy_result) X(destroy_table_function) X(destroy_value) X(disconnect) X(error_data_error_type) X(error_data_message) X(execute_pending) \
  X(execute_prepared) X(fetch_chunk) X(free) X(function_get_bind_data) X(function_set_error) X(get_int64) X(library_version) X(open_ext) X(pending_error) \
  X(pending_execute_task) X(pending_execution_is_finished) X(pending_prepared) X(pending_prepared_streaming) \
  X(prepare) X(prepare_error) X(query) X(register_table_function) X(result_error) X(result_error_type) X(rows_changed) X(set_config) \
  X(string_t_data) X(string_t_length) X(table_function_add_parameter) X(table_function_set_bind) \
  X(table_function_set_function) X(table_function_set_init) X(table_function_set_name) X(vector_assign_string_element_len) X(vector_ensure_validity_writable) \
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
