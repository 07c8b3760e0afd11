#pragma once

// Aggregates as tables: each commit's changes are added to them in the transaction of the rows; touched buckets can be
// computed anew from the rows. Also used by verify, on temporary tables. Owned by the sink or the store; one thread.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregates/aggregate.h"
#include "data/record_batch.h"
#include "db/sqlite.h"
#include "flow/note.h"
#include "sinks/sqlite_rows.h"

namespace leat {

std::string bucket_table(const std::string& aggregate);
std::string distinct_table(const std::string& aggregate, const std::string& measure);

// "k1 IS ?5 AND k2 IS ?6" over the keys of an aggregate, parameters from `first` on; "1" when it has none.
std::string keys_are(const std::vector<AggregateColumn>& columns, size_t first);

// One aggregate and its tables.
class AggregateTable {
 public:
  // `space`: "main" or "temp". create: makes the tables, which must not be there.
  static Result<std::unique_ptr<AggregateTable>> make(const SqliteDatabase& db, const AggregateSpec& spec,
                                                      const Schema& schema, const std::string& space, bool create);

  [[nodiscard]] const AggregateSpec& spec() const { return aggregate_->spec(); }
  [[nodiscard]] const std::vector<AggregateColumn>& columns() const { return aggregate_->columns(); }
  [[nodiscard]] const std::vector<size_t>& inputs() const { return aggregate_->inputs(); }

  void add(const RecordBatch& batch, size_t first, size_t count) { aggregate_->add(batch, first, count); }
  // What was added since the last apply() goes into the tables.
  Status apply();
  // Another connection has changed the database: rows may have moved (VACUUM).
  void forget_rows() { rows_.clear(); }

  // Rows that are about to be deleted, or that have just been.
  Status touch(const RecordBatch& batch, size_t first, size_t count);
  [[nodiscard]] bool is_touched() const { return touched_ != nullptr; }
  // Empties the touched buckets; then readd() every row of the table, in batches; then end_again().
  Status begin_again();
  Status readd(const RecordBatch& batch);
  Status end_again();

 private:
  AggregateTable(const SqliteDatabase& db, const Schema& schema, std::string space)
      : db_(&db), schema_(schema), space_(std::move(space)) {}
  Status create_tables() const;
  Status prepare();
  void bind_value(SqliteStatement& statement, int at, const AggregateValue& value, size_t column);
  void bind_keys(SqliteStatement& statement, int at, const Aggregate& from, size_t bucket);
  Result<int64_t> bucket_id(const Aggregate& from, size_t bucket, bool create);
  Status insert_members(size_t column, std::vector<int64_t>& added);
  // Where the bucket's row is; nothing when it has none yet.
  Result<std::optional<int64_t>> row_of(size_t bucket);

  const SqliteDatabase* db_;
  Schema schema_;
  std::string space_;
  std::unique_ptr<Aggregate> aggregate_;
  std::unique_ptr<Aggregate> touched_;
  size_t keys_ = 0;
  bool has_distinct_ = false;
  uint64_t readded_ = 0;                      // rows since the last apply()
  std::vector<TimeText> times_;               // one for each column
  std::vector<std::optional<int64_t>> rows_;  // rowids by the places of the buckets: saves looking them up
  SqliteStatement find_;
  SqliteStatement update_;
  SqliteStatement insert_;
  SqliteStatement delete_;
  SqliteStatement find_bucket_;
  SqliteStatement insert_bucket_;
  std::vector<SqliteStatement> insert_member_;   // one for each column, empty but for count_distinct
  std::vector<SqliteStatement> delete_members_;  // likewise
};

class SqliteAggregates {
 public:
  // Within a transaction: makes the stored aggregates of `pipeline` those of `specs`, builds what is new or changed
  // from the rows of `table`, drops the others; each is said through `note`. bad_config: a declaration that does not
  // fit, a name that is taken.
  static Result<std::unique_ptr<SqliteAggregates>> make(const SqliteDatabase& db, const std::string& pipeline,
                                                        const std::string& table, const SchemaPtr& schema,
                                                        const std::vector<AggregateSpec>& specs, const Note& note);
  // Builds `specs` from the rows of `table` in temporary tables. `progress` gets the rows read so far.
  static Result<std::unique_ptr<SqliteAggregates>> recount(const SqliteDatabase& db, const std::string& table,
                                                           const SchemaPtr& schema,
                                                           const std::vector<AggregateSpec>& specs,
                                                           const std::function<void(uint64_t)>& progress);

  // Within a transaction: makes the tables of `specs` anew, whatever has become of them, and fills them from the rows
  // of `table`. Indexes and triggers that a user has put on them are put on again. The number of rows.
  static Result<uint64_t> rebuild(const SqliteDatabase& db, const std::string& table, const SchemaPtr& schema,
                                  const std::vector<AggregateSpec>& specs,
                                  const std::function<void(uint64_t)>& progress);

  void add(const RecordBatch& batch, size_t first, size_t count);
  Status touch(const RecordBatch& batch, size_t first, size_t count);
  // All that was added and touched goes into the tables; the row table is read only when something was touched.
  Status apply();
  // AggregateTable::forget_rows() of all.
  void forget_rows();
  // Indexes of the columns that any of them reads.
  [[nodiscard]] std::vector<size_t> inputs() const;
  [[nodiscard]] bool empty() const { return tables_.empty(); }
  [[nodiscard]] const std::vector<std::unique_ptr<AggregateTable>>& tables() const { return tables_; }

 private:
  SqliteAggregates(const SqliteDatabase& db, std::string table, SchemaPtr schema)
      : db_(&db), table_(std::move(table)), schema_(std::move(schema)) {}
  // Adds every row of the table to each of `fresh`; the number of rows.
  Result<uint64_t> build(const std::vector<AggregateTable*>& fresh, const std::function<void(uint64_t)>& progress);
  Status again();

  const SqliteDatabase* db_;
  std::string table_;
  SchemaPtr schema_;
  std::vector<std::unique_ptr<AggregateTable>> tables_;
};

// Within a transaction: removes a stored aggregate with its tables.
Status drop_sqlite_aggregate(const SqliteDatabase& db, const AggregateSpec& spec);

}  // namespace leat
