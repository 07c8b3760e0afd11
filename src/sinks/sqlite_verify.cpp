#include "sinks/sqlite_verify.h"

#include <fmt/format.h>

#include "sinks/sqlite_full_pull.h"
#include "sinks/sqlite_layout.h"
#include "sinks/verify_books.h"

namespace leat {
namespace {

enum class Rows : uint8_t { here, elsewhere, runs };

class SqliteBooks final : public BookReader {
 public:
  SqliteBooks(const SqliteDatabase& db, Rows rows) : db_(db), rows_(rows) {}

  [[nodiscard]] Result<std::unique_ptr<BookRows>> rows(const std::string& sql) const override {
    LEAT_ASSIGN(SqliteStatement select, db_.prepare(sql));
    return std::unique_ptr<BookRows>(std::make_unique<BookRowsOf<SqliteStatement>>(std::move(select)));
  }
  [[nodiscard]] bool has_rows() const override { return rows_ != Rows::elsewhere; }
  [[nodiscard]] std::string run_of_row() const override {
    return rows_ == Rows::runs ? "coalesce(records, 1), coalesce(rest, 0)" : BookReader::run_of_row();
  }
  [[nodiscard]] Result<bool> has_table(const std::string& table) const override { return db_.has_table(table); }
  [[nodiscard]] Result<WriteMode> write_mode(const std::string& pipeline) const override {
    return read_sqlite_write_mode(db_, pipeline);
  }
  [[nodiscard]] Result<uint64_t> vanished(const std::string& pipeline) const override {
    return read_sqlite_vanished(db_, pipeline);
  }
  // Sorted in a temporary table.
  [[nodiscard]] Result<uint64_t> different_offsets(const std::string& table, int64_t part) const override {
    LEAT_TRY(db_.execute("CREATE TEMP TABLE IF NOT EXISTS _leat_seen(place INTEGER PRIMARY KEY)"));
    LEAT_TRY(db_.execute("DELETE FROM temp._leat_seen"));
    if (!table.empty()) {
      LEAT_TRY(db_.execute(fmt::format("INSERT OR IGNORE INTO temp._leat_seen SELECT _offset FROM {} WHERE _part = {}",
                                       sql_name(table), part)));
    }
    LEAT_TRY(db_.execute(fmt::format(
        "INSERT OR IGNORE INTO temp._leat_seen SELECT byte_offset FROM _leat_rejects WHERE part = {}", part)));
    LEAT_ASSIGN(const int64_t different, db_.query_integer("SELECT count(*) FROM temp._leat_seen"));
    if (rows_ != Rows::runs || table.empty()) return static_cast<uint64_t>(different);
    LEAT_ASSIGN(const int64_t others,
                db_.query_integer(fmt::format("SELECT sum(others) FROM (SELECT max(coalesce(records, 1)) - 1 AS others "
                                              "FROM {} WHERE _part = {} GROUP BY _offset)",
                                              sql_name(table), part)));
    return static_cast<uint64_t>(different + others);
  }
  Status check_keys(const std::string& table, WriteMode mode, std::vector<std::string>& problems) const override {
    return verify_sqlite_keys(db_, table, mode, problems);
  }
  Status recount(const std::string& pipeline, const std::string& table, WriteMode mode,
                 const std::function<void(uint64_t)>& progress, std::vector<std::string>& problems) const override {
    return verify_sqlite_aggregates(db_, pipeline, table, mode, progress, problems);
  }

 private:
  const SqliteDatabase& db_;
  Rows rows_;
};

}  // namespace

Result<VerifyReport> verify_sqlite(const SqliteDatabase& db, const StoreProgress& progress) {
  return verify_books(SqliteBooks(db, Rows::here), progress);
}

Result<VerifyReport> verify_sqlite_books(const SqliteDatabase& db) {
  return verify_books(SqliteBooks(db, Rows::elsewhere), {});
}

Result<VerifyReport> verify_sqlite_runs(const SqliteDatabase& db, const StoreProgress& progress) {
  return verify_books(SqliteBooks(db, Rows::runs), progress);
}

}  // namespace leat
