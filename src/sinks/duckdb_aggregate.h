#pragma once

// One aggregate as tables in DuckDB (docs/sinks/duckdb.md, "Aggregates"): each commit's changes are merged into them as
// a set. Owned by DuckDbAggregates; one thread, but for count().

#include <memory>
#include <string>
#include <vector>

#include "aggregates/aggregate.h"
#include "data/record_batch.h"
#include "db/duckdb.h"

namespace leat {

class DuckDbAggregate {
 public:
  // `space`: DuckDb::space(), or "temp.main" for tables that only this connection has. create: makes the tables, which
  // must not be there.
  static Result<std::unique_ptr<DuckDbAggregate>> make(const DuckDb& db, const AggregateSpec& spec,
                                                       const Schema& schema, const std::string& space, bool create);

  [[nodiscard]] const AggregateSpec& spec() const { return aggregate_->spec(); }
  [[nodiscard]] const std::vector<AggregateColumn>& columns() const { return aggregate_->columns(); }
  [[nodiscard]] const std::vector<size_t>& inputs() const { return aggregate_->inputs(); }

  [[nodiscard]] std::unique_ptr<Counted> count(const RecordBatch& batch) const { return aggregate_->count(batch); }
  // It is number `at` of the sink, as add_prepared() says.
  void add(size_t at, const RecordBatch& batch, size_t first, size_t count) {
    add_prepared(*aggregate_, at, batch, first, count);
  }
  // What was added since the last apply() goes into the tables.
  Status apply();

  // Rows that are about to be deleted, or have just been: their buckets must be counted anew, by begin_again(), readd()
  // of every row of the table, and end_again().
  Status touch(const RecordBatch& batch, size_t first, size_t count);
  [[nodiscard]] bool is_touched() const { return touched_ != nullptr; }
  Status begin_again();
  Status readd(const RecordBatch& batch);
  Status end_again();

 private:
  DuckDbAggregate(const DuckDb& db, const Schema& schema, std::string space)
      : db_(&db), schema_(schema), space_(std::move(space)) {}
  Status create_tables() const;
  [[nodiscard]] std::string name(const std::string& table) const;
  [[nodiscard]] std::string same_keys(const char* a, const char* b) const;
  [[nodiscard]] std::vector<DuckDbColumn> key_columns() const;
  Status merge();
  Status insert_members(size_t column);

  const DuckDb* db_;
  Schema schema_;
  std::string space_;
  std::unique_ptr<Aggregate> aggregate_;
  std::unique_ptr<Aggregate> touched_;
  size_t keys_ = 0;
  uint64_t readded_ = 0;  // rows since the last apply()
};

// "_leat_distinct_A_M": its columns are the keys, k0, k1 …, then `value`.
std::string duckdb_distinct_table(const std::string& aggregate, const std::string& measure);
// Whether the column counts distinct values, for which it has such a table.
bool is_distinct(const AggregateColumn& column);

}  // namespace leat
