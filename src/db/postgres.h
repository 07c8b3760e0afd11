#pragma once

// A connection to a PostgreSQL server: thin, nothing is hidden but the result codes. Values go both ways in binary.
// Used by one thread at a time. A message names the server, the database and the schema, never the user's password.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "db/postgres_bytes.h"

struct pg_conn;
struct pg_result;

namespace leat {

struct PostgresOpen {
  std::string url;     // postgresql://… or "host=… dbname=…", as libpq takes it; may hold a password
  std::string schema;  // where all tables are; it must be there
};

// "postgresql://host:5432/database, schema public": without user and password. bad_config: not an address.
Result<std::string> postgres_place(const PostgresOpen& options);

// The parameters $1, $2, … of one statement.
class PostgresParameters {
 public:
  template <class... Values>
  static PostgresParameters of(const Values&... values) {
    PostgresParameters all;
    (all.add(values), ...);
    return all;
  }
  void add(int64_t value);
  void add(uint64_t value) { add(static_cast<int64_t>(value)); }
  void add(double value);
  void add(std::string_view text);
  void add(const std::string& text) { add(std::string_view(text)); }
  void add(const char* text) { add(std::string_view(text)); }
  void add(std::nullptr_t) { put(PostgresType::text, nullptr); }
  void add(const PostgresArray& array);
  void add_time(int64_t micros);
  void add_bytes(std::string_view bytes);
  [[nodiscard]] size_t size() const { return types_.size(); }

 private:
  friend class PostgresDatabase;
  void put(PostgresType type, const std::string* value);
  std::vector<uint32_t> types_;
  std::vector<std::string> values_;
  std::vector<bool> null_;
};

class PostgresDatabase;

// The rows of a query, one after the other: step() goes to the next one. Columns are numbered from 0.
class PostgresRows {
 public:
  PostgresRows() = default;
  PostgresRows(PostgresRows&& other) noexcept { *this = std::move(other); }
  PostgresRows& operator=(PostgresRows&& other) noexcept;
  PostgresRows(const PostgresRows&) = delete;
  PostgresRows& operator=(const PostgresRows&) = delete;
  ~PostgresRows();

  // False: there are no more. Fails only with a cursor.
  Result<bool> step();
  // Of a statement that changes rows: how many.
  [[nodiscard]] uint64_t changed() const;
  [[nodiscard]] int columns() const;
  [[nodiscard]] PostgresType type(int at) const;

  // Of the current row.
  [[nodiscard]] bool is_null(int at) const;
  [[nodiscard]] int64_t integer(int at) const;  // of int2, int4, int8 and boolean; 0 for NULL
  [[nodiscard]] uint64_t number(int at) const { return static_cast<uint64_t>(integer(at)); }
  [[nodiscard]] double real(int at) const;
  [[nodiscard]] int64_t time(int at) const;  // microseconds since 1970
  // The bytes; empty for NULL. Valid until the next step().
  [[nodiscard]] std::string_view text(int at) const;
  [[nodiscard]] std::string string(int at) const { return std::string(text(at)); }

 private:
  friend class PostgresDatabase;
  Result<bool> fetch();
  pg_result* result_ = nullptr;
  const PostgresDatabase* db_ = nullptr;
  std::string cursor_;  // empty: the result is all there is
  int row_ = -1;
  int rows_ = 0;
  int fetch_rows_ = 64;
};

class PostgresDatabase {
 public:
  // bad_config: the address, the password, no such database or schema, an older server than 15, an encoding other than
  // UTF-8. retry: nobody answers, or the server takes no more connections.
  static Result<std::unique_ptr<PostgresDatabase>> open(const PostgresOpen& options);

  PostgresDatabase(const PostgresDatabase&) = delete;
  PostgresDatabase& operator=(const PostgresDatabase&) = delete;
  ~PostgresDatabase();

  // One statement, or several without results.
  Status execute(const std::string& sql) const;
  // One statement with all its rows in memory. Fails before the first row is seen.
  [[nodiscard]] Result<PostgresRows> query(const std::string& sql, const PostgresParameters& parameters = {}) const;
  // The number of rows that it has changed.
  Result<uint64_t> change(const std::string& sql, const PostgresParameters& parameters = {}) const;
  // Within a transaction: a SELECT whose rows are fetched piece by piece, about a MiB at a time.
  [[nodiscard]] Result<PostgresRows> cursor(const std::string& sql, const PostgresParameters& parameters = {}) const;
  // The first column of the first row; nothing is there: `missing`.
  [[nodiscard]] Result<int64_t> query_integer(const std::string& sql, int64_t missing = 0) const;
  // A table or view of the schema.
  [[nodiscard]] Result<bool> has_table(const std::string& name) const;

  // COPY … FROM STDIN (FORMAT binary): begin, any number of pieces of whole or cut rows, end. Every other statement
  // ends it first, and fails when that does. After a failure the transaction, or the savepoint, must be rolled back.
  Status copy_begin(const std::string& sql) const;
  [[nodiscard]] bool copying() const { return copying_; }
  Status copy_piece(std::string_view bytes) const;
  // All is well when no COPY is under way.
  Status copy_end() const;

  [[nodiscard]] bool in_transaction() const;
  // From now on a statement that takes longer than `ms` fails with Kind::retry; 0: as long as the server lets it.
  Status limit_time(uint64_t ms) const;
  // Server, database and schema as they are shown.
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] const std::string& schema() const { return schema_; }
  // What has just gone wrong.
  [[nodiscard]] Status failure(const pg_result* result) const;

 private:
  friend class PostgresRows;
  PostgresDatabase() = default;
  Status connect(const PostgresOpen& options);
  Status set_up() const;

  pg_conn* connection_ = nullptr;
  std::string where_;
  std::string schema_;
  mutable uint64_t cursors_ = 0;
  mutable bool copying_ = false;
};

// At most 63 bytes, as PostgreSQL takes names: a longer one is cut and a hash of the whole takes the end.
std::string postgres_short_name(const std::string& name);

}  // namespace leat
