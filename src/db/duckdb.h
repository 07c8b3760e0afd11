#pragma once

// A connection to a DuckDB database: thin, nothing is hidden but the result codes. Used by one thread at a time;
// several connections to one file may be open in this process, which then share the database's memory and threads.
// Another process cannot open the file meanwhile. In a build without DuckDB these files are left out
// (cmake/duckdb.cmake).

#include <duckdb.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "data/schema.h"

namespace leat {

struct DuckDbOpen {
  std::string path;        // "": in memory
  bool read_only = false;  // else made when it is missing; a new file and what DuckDB puts beside it have mode 0600
  uint64_t memory_bytes = 256 * 1024 * 1024;  // DuckDB's own limit; what needs more goes to a folder beside the file
  int threads = 1;                            // that DuckDB works with
  std::stop_token stop = {};                  // what is asked of this connection is broken off (Kind::retry)
};

// Bytes that are no text: BLOB.
struct DuckDbBytes {
  std::string_view bytes;
};
// Microseconds since 1970, UTC: TIMESTAMP.
struct DuckDbTime {
  int64_t micros = 0;
};
using DuckDbValue = std::variant<std::nullptr_t, int64_t, uint64_t, double, std::string_view, DuckDbBytes, DuckDbTime>;

// What a query has found. Columns are numbered from 0. Texts are valid until the next step().
class DuckDbRows {
 public:
  DuckDbRows() = default;
  DuckDbRows(DuckDbRows&& other) noexcept { *this = std::move(other); }
  DuckDbRows& operator=(DuckDbRows&& other) noexcept;
  DuckDbRows(const DuckDbRows&) = delete;
  DuckDbRows& operator=(const DuckDbRows&) = delete;
  ~DuckDbRows();

  // True: a row is there.
  Result<bool> step();
  // How many rows an INSERT, UPDATE or DELETE has changed.
  [[nodiscard]] uint64_t changed();

  [[nodiscard]] int columns() const { return static_cast<int>(columns_.size()); }
  [[nodiscard]] duckdb_type type(int at) const { return columns_[static_cast<size_t>(at)].type; }
  [[nodiscard]] bool is_null(int at) const;
  // Of any integer, a boolean, a time (microseconds), a real (cut off); NULL: 0.
  [[nodiscard]] int64_t integer(int at) const;
  [[nodiscard]] uint64_t number(int at) const { return static_cast<uint64_t>(integer(at)); }
  [[nodiscard]] double real(int at) const;
  // Of text, json and bytes; NULL: empty.
  [[nodiscard]] std::string_view text(int at) const;
  [[nodiscard]] std::string string(int at) const { return std::string(text(at)); }

 private:
  friend class DuckDb;
  struct Column {
    duckdb_type type = DUCKDB_TYPE_INVALID;
    void* cells = nullptr;
    uint64_t* valid = nullptr;  // null: all of them are
  };
  void look_up();
  void close();
  duckdb_result result_{};
  duckdb_data_chunk chunk_ = nullptr;
  std::vector<Column> columns_;
  uint64_t at_ = 0;  // row of the chunk, from 1
  uint64_t rows_ = 0;
  std::stop_token stop_;
};

class DuckDb {
 public:
  // bad_config: cannot be opened, is no DuckDB database, was made by a newer DuckDB. retry: another process has it
  // open, which the message names.
  static Result<std::unique_ptr<DuckDb>> open(const DuckDbOpen& options);
  // One more connection to the same.
  [[nodiscard]] Result<std::unique_ptr<DuckDb>> connect_again() const;
  // This process has it open.
  static bool is_open_here(const std::string& path);
  // Why open() has failed: another leat has it open.
  static bool is_open_in_leat(const Status& status);

  DuckDb(const DuckDb&) = delete;
  DuckDb& operator=(const DuckDb&) = delete;
  ~DuckDb();

  // One statement, or several without parameters. bad_data: a constraint; retry: full, I/O, another transaction has
  // changed the same; fatal: damaged, or the tables are not as leat made them. After any failure the transaction that
  // is open can only be rolled back.
  Status execute(const std::string& sql) const;
  // COMMIT, and what was committed is there after a power failure: also the name of the log, where that is a new file.
  Status commit() const;
  // One statement; its parameters $1, $2 …
  template <class... Values>
  [[nodiscard]] Result<DuckDbRows> query(const std::string& sql, const Values&... values) const {
    const std::vector<DuckDbValue> list = {value_of(values)...};
    return run(sql, list);
  }
  [[nodiscard]] Result<DuckDbRows> run(const std::string& sql, std::span<const DuckDbValue> values) const;
  // Rows as they are found, so that they need not all be held: until their end nothing else may be asked of this
  // connection.
  [[nodiscard]] Result<DuckDbRows> stream(const std::string& sql) const;
  // How many rows it has changed.
  template <class... Values>
  [[nodiscard]] Result<uint64_t> change(const std::string& sql, const Values&... values) const {
    LEAT_ASSIGN(DuckDbRows rows, query(sql, values...));
    return rows.changed();
  }
  // The first column of the first row; nothing or NULL is there: `missing`.
  [[nodiscard]] Result<int64_t> query_integer(const std::string& sql, int64_t missing = 0) const;
  [[nodiscard]] Result<bool> has_table(const std::string& name) const;
  // Columns may be compressed with zstd: in files that DuckDB 1.2 or later has made for itself, as leat makes them.
  [[nodiscard]] bool has_zstd() const;
  // From now on a statement that takes longer than `ms` fails with Kind::retry; 0: no limit.
  void limit_time(uint64_t ms) { limit_ms_ = ms; }

  [[nodiscard]] Status failure(duckdb_error_type type, std::string_view message) const;
  [[nodiscard]] duckdb_connection connection() const { return connection_; }
  // The path as it is shown.
  [[nodiscard]] const std::string& where() const { return where_; }
  // What stands before the name of a table, where one of the same name may be a temporary one: "web".main
  [[nodiscard]] const std::string& space() const { return space_; }

 private:
  struct Instance;
  DuckDb() = default;
  [[nodiscard]] Status execute_in_time(duckdb_prepared_statement statement, duckdb_result* result) const;
  static DuckDbValue value_of(std::nullptr_t) { return nullptr; }
  static DuckDbValue value_of(int64_t value) { return value; }
  static DuckDbValue value_of(uint64_t value) { return value; }
  static DuckDbValue value_of(double value) { return value; }
  static DuckDbValue value_of(std::string_view value) { return value; }
  static DuckDbValue value_of(DuckDbBytes value) { return value; }
  static DuckDbValue value_of(DuckDbTime value) { return value; }

  std::shared_ptr<Instance> instance_;
  duckdb_connection connection_ = nullptr;
  std::string where_;
  std::string space_;
  uint64_t limit_ms_ = 0;
  std::stop_token stop_;
};

// What DuckDB calls a column of that type: "BIGINT".
const char* duckdb_type_name(Type type, bool bytes);

// The type of DuckDB for that.
duckdb_type duckdb_type_of(Type type, bool bytes);

// Cells of rows in a piece of DuckDB's own size, which are filled in place.
class DuckDbCells {
 public:
  DuckDbCells(const DuckDbCells&) = delete;
  DuckDbCells& operator=(const DuckDbCells&) = delete;

  [[nodiscard]] size_t room() const { return capacity_ - rows_; }
  // The cells of a column in the rows that are free, numbered from 0; a cell is not NULL unless it is said. T by type:
  // boolean bool, integer and time int64_t, real double.
  template <class T>
  [[nodiscard]] T* cells(size_t column) const {
    return static_cast<T*>(columns_[column].cells) + rows_;
  }
  void set_null(size_t column, size_t at);
  void set_text(size_t column, size_t at, std::string_view text);  // also json and bytes
  // The first `count` of them are rows from now on.
  void add_rows(size_t count) { rows_ += count; }

 protected:
  DuckDbCells() = default;
  ~DuckDbCells() = default;
  // Those of `chunk` from now on, with no rows.
  void look_up(duckdb_data_chunk chunk, size_t columns);
  [[nodiscard]] size_t rows() const { return rows_; }

 private:
  struct Vector {
    duckdb_vector vector = nullptr;
    void* cells = nullptr;
    uint64_t* valid = nullptr;  // null: all of them are
  };
  std::vector<Vector> columns_;
  size_t rows_ = 0;
  size_t capacity_ = 0;
};

struct DuckDbColumn {
  std::string name;
  Type type = Type::text;
  bool bytes = false;
};

// Rows on their way into a table or into a statement, gathered in pieces of DuckDB's own size. Within a transaction.
class DuckDbAppender : public DuckDbCells {
 public:
  // Into the columns of `table`, all of them, in their order.
  static Result<std::unique_ptr<DuckDbAppender>> into(const DuckDb& db, const std::string& table);
  // `sql` reads the rows from a table named `rows`, with these columns; it runs at flush().
  static Result<std::unique_ptr<DuckDbAppender>> query(const DuckDb& db, const std::string& sql,
                                                       const std::vector<DuckDbColumn>& columns);
  ~DuckDbAppender();

  // Room for one more row at least; room() says for how many.
  Status make_room() { return room() > 0 ? Status() : append(); }
  // One row; its cells fit the columns.
  Status add(std::span<const DuckDbValue> row);

  // All of them go where they belong.
  Status flush();

 private:
  explicit DuckDbAppender(const DuckDb& db) : db_(&db) {}
  Status prepare();
  Status append();
  [[nodiscard]] Status failure() const;

  const DuckDb* db_;
  duckdb_appender appender_ = nullptr;
  duckdb_data_chunk chunk_ = nullptr;
  size_t count_ = 0;  // of columns
};

}  // namespace leat
