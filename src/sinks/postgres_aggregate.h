#pragma once

// One aggregate of rows that stay, as tables in PostgreSQL (docs/formats/postgres.md, "Aggregates"): each commit's
// changes are added to them by INSERT … ON CONFLICT DO UPDATE. Owned by PostgresAggregates; one thread, but for
// count().

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aggregates/aggregate.h"
#include "data/record_batch.h"
#include "db/postgres.h"

namespace leat {

class PostgresAggregate {
 public:
  // `space`: the schema, or "pg_temp". create: makes the tables, which must not be there.
  static Result<std::unique_ptr<PostgresAggregate>> make(const PostgresDatabase& db, const AggregateSpec& spec,
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

  // Columns of the table by which its rows are told apart: the keys, in order.
  [[nodiscard]] size_t keys() const { return keys_; }

 private:
  PostgresAggregate(const PostgresDatabase& db, const Schema& schema, std::string space)
      : db_(&db), schema_(schema), space_(std::move(space)) {}
  Status create_tables() const;
  [[nodiscard]] std::string name(const std::string& table) const;
  [[nodiscard]] std::vector<PostgresArray> arrays(size_t first, size_t end) const;
  void put(PostgresArray& into, const AggregateValue& value, bool bounded);
  Result<std::vector<int64_t>> upsert(size_t first, size_t count);
  Status insert_members(size_t column, const std::vector<int64_t>& numbers);
  Status send_members(size_t column, PostgresArray& buckets, PostgresArray& values);
  Status remove(const std::vector<bool>& nulls, const std::vector<PostgresArray>& keys);

  const PostgresDatabase* db_;
  Schema schema_;
  std::string space_;
  std::unique_ptr<Aggregate> aggregate_;
  std::unique_ptr<Aggregate> touched_;
  size_t keys_ = 0;
  size_t text_limit_ = 0;  // bytes of a text key
  bool has_distinct_ = false;
  uint64_t readded_ = 0;  // rows since the last apply()
  std::string upsert_;
  std::string made_;
};

// "_leat_distinct_A_M", or a shorter name.
std::string postgres_distinct_table(const std::string& aggregate, const std::string& measure);

// The type that values of a column of an aggregate have in its table, and those of a count_distinct in its set.
Type postgres_value_type(const AggregateColumn& column);

}  // namespace leat
