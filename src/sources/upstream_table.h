#pragma once

// The table of another pipeline, as it is read (docs/formats/table-source.md): found, its rows by number, what its
// books say of them. Everything between begin() and end() sees one moment of the database. Owned by a source; its
// thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/schema.h"
#include "db/sqlite.h"
#include "os/file_system.h"

namespace leat {

struct UpstreamOptions {
  std::string path;
  std::string table;
  std::vector<std::string> columns;  // empty: all but those of raw bytes
};

class UpstreamTable {
 public:
  // Null: it is not there yet; `missing` becomes what, and what to do. bad_config: it cannot be read.
  static Result<std::unique_ptr<UpstreamTable>> open(const UpstreamOptions& options, os::FileSystem& files,
                                                     std::string& missing);

  // The file at the path is still the one that was opened.
  [[nodiscard]] bool is_in_place();
  // Grows when somebody has committed.
  Result<int64_t> version() { return db_->query_integer("PRAGMA data_version"); }

  Status begin() { return db_->execute("BEGIN"); }
  void end();

  // As it was made: upper and lower case are the same.
  [[nodiscard]] const std::string& table() const { return table_; }

  // Looks at the table's columns where they may have changed. True: they are others now, or were not known.
  Result<bool> refresh();
  // Those that are read.
  [[nodiscard]] const Schema& schema() const { return schema_; }
  // Each swap of `replace` brings a new content, whose rows are not those of the one before.
  [[nodiscard]] bool is_replaced() const { return mode_ == "replace"; }
  // How many rows were inserted says how many there are.
  [[nodiscard]] bool is_counted() const { return mode_ == "append" || mode_ == "ignore"; }

  // When the database was made.
  Result<std::string> made();
  // The first number that no row has had.
  Result<uint64_t> next_number();
  // The number of the first row; 0: there are none.
  Result<uint64_t> first_number();
  // Final rows: all that were ever inserted and not taken back; those behind `from`.
  Result<uint64_t> rows();
  Result<uint64_t> rows_from(uint64_t from);

  // The provisional rows, which read() passes over; `part`: the name of the upstream's, which has one at most.
  using TakeHeld = std::function<void(const SqliteStatement& row, const std::string& part)>;
  Status held_back(const TakeHeld& take);

  // The rows from number `from` on: calls `take` until it says false, at the row that it has taken. The first column
  // of the row is the number, then those of schema(). Whether there may be more.
  Result<bool> read(uint64_t from, const std::function<bool(const SqliteStatement& row)>& take);

 private:
  UpstreamTable(UpstreamOptions options, os::FileSystem& files) : options_(std::move(options)), files_(files) {}
  Result<bool> find(std::string& missing);
  Status choose_columns(const Schema& stored);
  [[nodiscard]] std::string final_rows_from() const;  // number ?1, of pipeline ?2
  Status prepare();
  [[nodiscard]] Result<uint64_t> count(const std::string& sql) const;

  const UpstreamOptions options_;
  os::FileSystem& files_;
  os::FileInfo file_;
  std::unique_ptr<SqliteDatabase> db_;
  std::string pipeline_;
  std::string mode_;
  std::string table_;
  std::string number_;  // column
  Schema schema_;
  int64_t schema_version_ = -1;
  SqliteStatement select_;
};

}  // namespace leat
