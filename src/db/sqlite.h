#pragma once

// A connection to a SQLite database and its prepared statements: thin, nothing is hidden but the result codes.
// Used by one thread at a time. Statements must end before their connection does.

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "db/sql.h"
#include "db/sqlite_status.h"
#include "db/wal_vfs.h"

namespace leat {

struct SqliteOpen {
  std::string path;
  std::string vfs;         // name of a registered sqlite3_vfs; empty: the default one
  bool read_only = false;  // else made when it is missing, with mode 0600
  bool immutable = false;  // nobody writes to it meanwhile: no locks, no -shm file
  uint64_t cache_bytes = 2 * 1024 * 1024;
  uint64_t busy_timeout_ms = 5000;  // how long to wait for another's lock
};

class SqliteDatabase;

// Parameters are numbered from 1, columns from 0, as SQLite does. Texts are borrowed until the next reset().
class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(SqliteStatement&& other) noexcept { *this = std::move(other); }
  SqliteStatement& operator=(SqliteStatement&& other) noexcept {
    std::swap(statement_, other.statement_);
    std::swap(db_, other.db_);
    std::swap(bind_code_, other.bind_code_);
    return *this;
  }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;
  ~SqliteStatement() { sqlite3_finalize(statement_); }

  explicit operator bool() const { return statement_ != nullptr; }

  void bind_null(int at) { keep(sqlite3_bind_null(statement_, at)); }
  void bind(int at, int64_t value) { keep(sqlite3_bind_int64(statement_, at, value)); }
  void bind(int at, uint64_t value) { bind(at, static_cast<int64_t>(value)); }
  void bind(int at, double value) { keep(sqlite3_bind_double(statement_, at, value)); }
  void bind(int at, std::string_view text) {
    // a null pointer would be bound as NULL
    keep(sqlite3_bind_text64(statement_, at, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  // TEXT if the bytes are UTF-8 without NUL, else BLOB.
  void bind_bytes(int at, std::string_view bytes);
  void bind_blob(int at, std::string_view bytes) {
    keep(sqlite3_bind_blob64(statement_, at, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC));
  }
  // A column of the row at which another statement stands; copied.
  void bind_column(int at, const SqliteStatement& row, int column) {
    keep(sqlite3_bind_value(statement_, at, sqlite3_column_value(row.statement_, column)));
  }
  // All parameters in order.
  template <class... Values>
  SqliteStatement& with(const Values&... values) {
    int at = 0;
    (bind_one(++at, values), ...);
    return *this;
  }

  // SQLITE_ROW, SQLITE_DONE or a code for SqliteDatabase::failure().
  int step_code() {
    if (bind_code_ != SQLITE_OK) return bind_code_;
    return sqlite3_step(statement_);
  }
  // True: a row is there.
  Result<bool> step();
  // Steps to the end and resets.
  Status run();
  void reset() {
    sqlite3_reset(statement_);
    bind_code_ = SQLITE_OK;
  }

  [[nodiscard]] int columns() const { return sqlite3_column_count(statement_); }
  [[nodiscard]] bool is_null(int at) const { return sqlite3_column_type(statement_, at) == SQLITE_NULL; }
  [[nodiscard]] int type(int at) const { return sqlite3_column_type(statement_, at); }
  [[nodiscard]] int64_t integer(int at) const { return sqlite3_column_int64(statement_, at); }
  [[nodiscard]] uint64_t number(int at) const { return static_cast<uint64_t>(integer(at)); }
  [[nodiscard]] double real(int at) const { return sqlite3_column_double(statement_, at); }
  // Valid until the next step() or reset(); empty for NULL.
  [[nodiscard]] std::string_view text(int at) const;
  [[nodiscard]] std::string string(int at) const { return std::string(text(at)); }

 private:
  friend class SqliteDatabase;
  void keep(int code) {
    if (code != SQLITE_OK) bind_code_ = code;
  }
  void bind_one(int at, int64_t value) { bind(at, value); }
  void bind_one(int at, uint64_t value) { bind(at, value); }
  void bind_one(int at, double value) { bind(at, value); }
  void bind_one(int at, std::string_view value) { bind(at, value); }
  void bind_one(int at, std::nullptr_t) { bind_null(at); }

  sqlite3_stmt* statement_ = nullptr;
  const SqliteDatabase* db_ = nullptr;
  int bind_code_ = SQLITE_OK;
};

class SqliteDatabase {
 public:
  // bad_config: cannot be opened, a folder, no such file (read_only), the folder of a new one is missing.
  // That a file is no database shows only when it is first read.
  static Result<std::unique_ptr<SqliteDatabase>> open(const SqliteOpen& options);

  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;
  ~SqliteDatabase();

  // One statement, or several without results.
  Status execute(const std::string& sql) const;
  [[nodiscard]] Result<SqliteStatement> prepare(const std::string& sql) const;
  // The first column of the first row; nothing is there: `missing`.
  [[nodiscard]] Result<int64_t> query_integer(const std::string& sql, int64_t missing = 0) const;
  [[nodiscard]] Result<bool> has_table(const std::string& name) const;

  // Virtual tables; `of` is what xConnect is given, and lives until the connection ends or another takes the name.
  Status add_module(const std::string& name, const sqlite3_module& calls, void* of) const;

  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
  [[nodiscard]] uint64_t changes() const { return static_cast<uint64_t>(sqlite3_changes64(db_)); }
  [[nodiscard]] int64_t last_row() const { return sqlite3_last_insert_rowid(db_); }
  [[nodiscard]] Status failure(int code) const { return sqlite_status(code, db_, where_, phase_); }
  // From now on waiting for a lock and running a statement end after `ms`, counted from here, with Kind::retry; 0: no
  // limit.
  void limit_time(uint64_t ms);
  // From now on failures are those of a database that has worked already.
  void opened() { phase_ = SqlitePhase::working; }
  // The path as it is shown.
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  SqliteDatabase() = default;
  std::unique_ptr<WalVfs> vfs_;  // of those that write
  sqlite3* db_ = nullptr;
  std::string where_;
  SqlitePhase phase_ = SqlitePhase::opening;
  uint64_t busy_timeout_ms_ = 0;
  uint64_t deadline_ms_ = 0;  // os::Clock::steady_ms()
};

}  // namespace leat
