#pragma once

// Rows of a table with a key: write modes ignore and merge (docs/formats/database.md, "Write modes"). Owned by the
// sink; the sink's thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/record_batch.h"
#include "db/sqlite.h"
#include "flow/sink.h"
#include "sinks/keyed_rows.h"
#include "sinks/sqlite_rows.h"

namespace leat {

// Within a transaction: makes the table's unique index over the key of `plan`, or checks it.
// bad_config: a column that is not there or cannot be one of a key, another key than the table has, rows that are there
// twice.
Status make_key_index(const SqliteDatabase& db, const SinkPlan& plan, const std::string& table);

class KeyedRows {
 public:
  // `inputs`: the columns that are kept of a row which is taken over.
  static Result<std::unique_ptr<KeyedRows>> make(const SqliteDatabase& db, const SinkPlan& plan,
                                                 const std::string& table, std::vector<size_t> inputs);

  [[nodiscard]] const std::vector<size_t>& key() const { return columns_.key; }

  struct Outcome {
    enum class What : uint8_t { inserted, updated, ignored } what = What::inserted;
    KeyedPlace was;  // of the row that was taken over
  };
  // Row `r` of `batch`, whose key has no NULL. `number`: what it is inserted under, or its revision. Of a row that is
  // taken over the inputs are added to `before`; keep: the whole of it, for restore(). `give_way`: asked when there is
  // a row with that key; true: that one was taken out of the way. Empty: none can be.
  using GiveWay = std::function<Result<bool>(int64_t row)>;
  Result<Outcome> put(const RecordBatch& batch, size_t r, int64_t part, int64_t number, const GiveWay& give_way,
                      RecordBatch& before, bool keep);

  // Of a row that was taken over and kept, and whose new content has been deleted: puts it back. False: none is kept.
  Result<bool> restore(int64_t row);
  Status forget_kept(int64_t row);

 private:
  KeyedRows(const SqliteDatabase& db, SchemaPtr schema, WriteMode mode)
      : db_(&db), cells_(std::move(schema)), mode_(mode) {}
  Status prepare(const std::string& table);
  Result<std::optional<KeyedPlace>> find(const RecordBatch& batch, size_t r);
  Status insert(const RecordBatch& batch, size_t r, int64_t part, int64_t number);
  Status update(const RecordBatch& batch, size_t r, int64_t part, int64_t number, int64_t row);
  // At the row that find() has found.
  [[nodiscard]] bool is_older(const RecordBatch& batch, size_t r) const;
  void keep_inputs(RecordBatch& before, uint64_t offset) const;
  // The row is refused, or something is broken.
  Status step(SqliteStatement& statement);

  const SqliteDatabase* db_;
  CellBinder cells_;
  WriteMode mode_;
  KeyColumns columns_;
  std::vector<size_t> others_;  // the columns that are not of the key
  std::vector<size_t> inputs_;
  bool expect_new_ = true;
  SqliteStatement find_;  // _row, _part, _offset, newest, inputs
  SqliteStatement insert_;
  SqliteStatement update_;
  SqliteStatement keep_;
  SqliteStatement restore_;
  SqliteStatement forget_;
};

}  // namespace leat
