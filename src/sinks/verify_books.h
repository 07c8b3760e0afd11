#pragma once

// The proof that a database holds what was committed to it (docs/formats/database.md, "What verify proves"): the same
// questions and the same sums for every database with SQL. What differs is behind BookReader. One thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "flow/sink.h"
#include "flow/store.h"

namespace leat {

// The rows of a SELECT, one after the other. Columns are numbered from 0.
class BookRows {
 public:
  BookRows() = default;
  BookRows(const BookRows&) = delete;
  BookRows& operator=(const BookRows&) = delete;
  virtual ~BookRows() = default;

  // Goes to the next one; false: there are no more.
  virtual Result<bool> step() = 0;
  [[nodiscard]] virtual int64_t integer(int at) const = 0;
  [[nodiscard]] virtual std::string_view text(int at) const = 0;  // until the next step()
  [[nodiscard]] uint64_t number(int at) const { return static_cast<uint64_t>(integer(at)); }
  [[nodiscard]] std::string string(int at) const { return std::string(text(at)); }
};

// BookRows of a database's own statement or cursor.
template <class Rows>
class BookRowsOf final : public BookRows {
 public:
  explicit BookRowsOf(Rows rows) : rows_(std::move(rows)) {}
  Result<bool> step() override { return rows_.step(); }
  [[nodiscard]] int64_t integer(int at) const override { return rows_.integer(at); }
  [[nodiscard]] std::string_view text(int at) const override { return rows_.text(at); }

 private:
  Rows rows_;
};

// A database as the proof sees it: one snapshot.
class BookReader {
 public:
  BookReader() = default;
  BookReader(const BookReader&) = delete;
  BookReader& operator=(const BookReader&) = delete;
  virtual ~BookReader() = default;

  [[nodiscard]] virtual Result<std::unique_ptr<BookRows>> rows(const std::string& sql) const = 0;
  // False: rows are elsewhere, and are compared by the caller; the books and the rejects are proven here.
  [[nodiscard]] virtual bool has_rows() const { return true; }
  // Of a row of the table, as SQL: for how many rows of the target it stands, and the digest of those but that at its
  // `_offset`, which is the last of them.
  [[nodiscard]] virtual std::string run_of_row() const { return "1, 0"; }
  [[nodiscard]] virtual Result<bool> has_table(const std::string& table) const = 0;
  [[nodiscard]] virtual Result<WriteMode> write_mode(const std::string& pipeline) const = 0;
  // How many rows full pulls have deleted because the source does not have them any more.
  [[nodiscard]] virtual Result<uint64_t> vanished(const std::string& pipeline) const = 0;
  // How many offsets the rows (no table: there are none) and the rejects of a part have; a run that is there twice
  // counts once.
  [[nodiscard]] virtual Result<uint64_t> different_offsets(const std::string& table, int64_t part) const = 0;
  // Adds to `problems` where the keys of a table that is written with ignore or merge do not have each row just once.
  virtual Status check_keys(const std::string& table, WriteMode mode, std::vector<std::string>& problems) const = 0;
  // Adds to `problems` where the aggregates of a pipeline differ from a recount of its rows. `progress`: rows so far.
  virtual Status recount(const std::string& pipeline, const std::string& table, WriteMode mode,
                         const std::function<void(uint64_t)>& progress, std::vector<std::string>& problems) const = 0;
};

// What does not fit is a problem in the report; a Status says that it could not be found out.
Result<VerifyReport> verify_books(const BookReader& books, const StoreProgress& progress);

}  // namespace leat
