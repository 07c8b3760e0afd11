#pragma once

// One aggregate and its tables, as a sink keeps it. Two kinds: of rows that stay (AggregateTable) and of rows that
// change (TallyTable). Owned by SqliteAggregates; one thread, but for count().

#include <memory>
#include <string>
#include <vector>

#include "aggregates/aggregate.h"
#include "data/record_batch.h"
#include "db/sqlite.h"
#include "flow/sink.h"
#include "sinks/sqlite_rows.h"

namespace leat {

class KeptAggregate {
 public:
  KeptAggregate() = default;
  KeptAggregate(const KeptAggregate&) = delete;
  KeptAggregate& operator=(const KeptAggregate&) = delete;
  virtual ~KeptAggregate() = default;

  [[nodiscard]] virtual const AggregateSpec& spec() const = 0;
  [[nodiscard]] virtual const std::vector<AggregateColumn>& columns() const = 0;
  [[nodiscard]] virtual const std::vector<size_t>& inputs() const = 0;
  // Whether a table holds the values of this measure, and with them how many rows have each.
  [[nodiscard]] virtual bool has_values(const AggregateColumn& column) const = 0;
  [[nodiscard]] virtual bool counts_rows() const = 0;

  // As Aggregate::count(); null: nothing of its rows can be counted beforehand.
  [[nodiscard]] virtual std::unique_ptr<Counted> count(const RecordBatch&) const { return nullptr; }
  // It is number `at` of the sink, as add_prepared() says.
  virtual void add(size_t at, const RecordBatch& batch, size_t first, size_t count) = 0;
  // What was added since the last apply() goes into the tables.
  virtual Status apply() = 0;
  // Another connection has changed the database: rows may have moved (VACUUM).
  virtual void forget_rows() = 0;

  // Rows that are about to be deleted or changed, or have just been.
  virtual Status touch(const RecordBatch& batch, size_t first, size_t count) = 0;
  // True: the touched buckets must be counted anew: begin_again(), readd() every row of the table, in batches, and
  // end_again().
  [[nodiscard]] virtual bool is_touched() const { return false; }
  virtual Status begin_again() { return {}; }
  virtual Status readd(const RecordBatch&) { return {}; }
  virtual Status end_again() { return {}; }
};

// Binds what an aggregate has counted to the parameters of a statement.
class AggregateBinder {
 public:
  AggregateBinder() = default;
  // `columns`: of the aggregate; they outlive it.
  explicit AggregateBinder(const std::vector<AggregateColumn>& columns) : columns_(&columns), times_(columns.size()) {}
  // A key, a measure, or a value that it counts. Valid until the next one of that column is bound.
  void bind(SqliteStatement& statement, int at, const AggregateValue& value, size_t column);
  // All keys, from parameter `at` on; key(i) is the i-th one.
  template <class Key>
  void bind_keys(SqliteStatement& statement, int at, const Key& key) {
    for (size_t i = 0; i < columns_->size() && (*columns_)[i].key; ++i) {
      bind(statement, at + static_cast<int>(i), key(i), i);
    }
  }

 private:
  const std::vector<AggregateColumn>* columns_ = nullptr;
  std::vector<TimeText> times_;  // one for each column
};

std::string bucket_table(const std::string& aggregate);
std::string distinct_table(const std::string& aggregate, const std::string& measure);

// "k1 IS ?5 AND k2 IS ?6" over the keys of an aggregate, parameters from `first` on; "1" when it has none.
std::string keys_are(const std::vector<AggregateColumn>& columns, size_t first);

// `space`: "main" or "temp". create: makes the tables, which must not be there. `mode`: how the rows are written.
Result<std::unique_ptr<KeptAggregate>> make_kept_aggregate(const SqliteDatabase& db, const AggregateSpec& spec,
                                                           const Schema& schema, const std::string& space, bool create,
                                                           WriteMode mode);

}  // namespace leat
