#pragma once

// Aggregates as tables: each commit's changes are added to them in the transaction of the rows; touched buckets can be
// computed anew from the rows. Also used by verify, on temporary tables. Owned by the sink or the store; one thread,
// but for prepare().

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregates/aggregate.h"
#include "data/record_batch.h"
#include "db/sqlite.h"
#include "flow/note.h"
#include "sinks/sqlite_kept_aggregate.h"
#include "sinks/sqlite_rows.h"

namespace leat {

// One aggregate of rows that stay: what is added since the last commit goes into its tables.
class AggregateTable final : public KeptAggregate {
 public:
  static Result<std::unique_ptr<KeptAggregate>> make(const SqliteDatabase& db, const AggregateSpec& spec,
                                                     const Schema& schema, const std::string& space, bool create);

  [[nodiscard]] const AggregateSpec& spec() const override { return aggregate_->spec(); }
  [[nodiscard]] const std::vector<AggregateColumn>& columns() const override { return aggregate_->columns(); }
  [[nodiscard]] const std::vector<size_t>& inputs() const override { return aggregate_->inputs(); }
  [[nodiscard]] bool has_values(const AggregateColumn& column) const override {
    return !column.key && column.measure == Measure::count_distinct;
  }
  [[nodiscard]] bool counts_rows() const override { return false; }

  [[nodiscard]] std::unique_ptr<Counted> count(const RecordBatch& batch) const override {
    return aggregate_->count(batch);
  }
  void add(size_t at, const RecordBatch& batch, size_t first, size_t count) override {
    add_prepared(*aggregate_, at, batch, first, count);
  }
  Status apply() override;
  void forget_rows() override { rows_.clear(); }

  Status touch(const RecordBatch& batch, size_t first, size_t count) override;
  [[nodiscard]] bool is_touched() const override { return touched_ != nullptr; }
  Status begin_again() override;
  Status readd(const RecordBatch& batch) override;
  Status end_again() override;

 private:
  AggregateTable(const SqliteDatabase& db, const Schema& schema, std::string space)
      : db_(&db), schema_(schema), space_(std::move(space)) {}
  Status create_tables() const;
  Status prepare();
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
  uint64_t readded_ = 0;  // rows since the last apply()
  AggregateBinder binder_;
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
                                                        const std::vector<AggregateSpec>& specs, WriteMode mode,
                                                        const Note& note);
  // Builds `specs` from the rows of `table` in temporary tables. `progress` gets the rows read so far.
  static Result<std::unique_ptr<SqliteAggregates>> recount(const SqliteDatabase& db, const std::string& table,
                                                           const SchemaPtr& schema,
                                                           const std::vector<AggregateSpec>& specs, WriteMode mode,
                                                           const std::function<void(uint64_t)>& progress);

  // Within a transaction: makes the tables of `specs` anew, whatever has become of them, and fills them from the rows
  // of `table`. Indexes and triggers that a user has put on them are put on again. The number of rows.
  static Result<uint64_t> rebuild(const SqliteDatabase& db, const std::string& table, const SchemaPtr& schema,
                                  const std::vector<AggregateSpec>& specs, WriteMode mode,
                                  const std::function<void(uint64_t)>& progress);

  // Any thread, several at once, beside all that is done with a sink's aggregates.
  void prepare(RecordBatch& batch) const;
  void add(const RecordBatch& batch, size_t first, size_t count);
  Status touch(const RecordBatch& batch, size_t first, size_t count);
  // All that was added and touched goes into the tables; the row table is read only when something was touched.
  Status apply();
  // AggregateTable::forget_rows() of all.
  void forget_rows();
  // Indexes of the columns that any of them reads.
  [[nodiscard]] std::vector<size_t> inputs() const;
  [[nodiscard]] bool empty() const { return tables_.empty(); }
  [[nodiscard]] const std::vector<std::unique_ptr<KeptAggregate>>& tables() const { return tables_; }

 private:
  SqliteAggregates(const SqliteDatabase& db, std::string table, SchemaPtr schema)
      : db_(&db), table_(std::move(table)), schema_(std::move(schema)) {}
  // Adds every row of the table to each of `fresh`; the number of rows.
  Result<uint64_t> build(const std::vector<KeptAggregate*>& fresh, const std::function<void(uint64_t)>& progress);
  Status again();

  const SqliteDatabase* db_;
  std::string table_;
  SchemaPtr schema_;
  std::vector<std::unique_ptr<KeptAggregate>> tables_;
};

// The indexes and triggers that a user has put on a table, as SQL.
Result<std::vector<std::string>> sqlite_additions(const SqliteDatabase& db, const std::string& table);

// Within a transaction: removes a stored aggregate with its tables.
Status drop_sqlite_aggregate(const SqliteDatabase& db, const AggregateSpec& spec);

}  // namespace leat
