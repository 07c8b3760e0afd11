#pragma once

// An aggregate of rows that change (docs/formats/database.md, "Aggregates of rows that change"): every change of a row
// is applied exactly, and the row table is never read. Owned by SqliteAggregates; one thread.

#include <memory>
#include <string>
#include <vector>

#include "aggregates/tally.h"
#include "sinks/sqlite_kept_aggregate.h"
#include "sinks/sqlite_rows.h"

namespace leat {

class TallyTable final : public KeptAggregate {
 public:
  static Result<std::unique_ptr<KeptAggregate>> make(const SqliteDatabase& db, const AggregateSpec& spec,
                                                     const Schema& schema, const std::string& space, bool create);

  [[nodiscard]] const AggregateSpec& spec() const override { return tally_->spec(); }
  [[nodiscard]] const std::vector<AggregateColumn>& columns() const override { return tally_->columns(); }
  [[nodiscard]] const std::vector<size_t>& inputs() const override { return tally_->inputs(); }
  [[nodiscard]] bool has_values(const AggregateColumn& column) const override {
    return !column.key && column.measure != Measure::count && column.measure != Measure::sum;
  }
  [[nodiscard]] bool counts_rows() const override { return true; }

  void add(size_t, const RecordBatch& batch, size_t first, size_t count) override {
    tally_->add(batch, first, count, 1);
  }
  Status touch(const RecordBatch& batch, size_t first, size_t count) override {
    tally_->add(batch, first, count, -1);
    return {};
  }
  Status apply() override;
  void forget_rows() override {}

 private:
  struct Bucket {
    int64_t id = 0;
    int64_t rows = 0;
    bool is_new = false;
    std::vector<ExactSum> sums;     // of each column; empty but for sums
    std::vector<int64_t> distinct;  // of each column: values gained
  };

  TallyTable(const SqliteDatabase& db, std::string space) : db_(&db), space_(std::move(space)) {}
  Status create_tables() const;
  Status prepare();
  [[nodiscard]] bool is_sum(const AggregateColumn& column) const {
    return !column.key && column.measure == Measure::sum;
  }
  void bind_keys(SqliteStatement& statement, int at, size_t bucket);
  Result<Bucket> load(size_t bucket);
  Status change_values(size_t column, std::vector<Bucket>& buckets);
  void bind_change(SqliteStatement& statement, const Bucket& bucket, const AggregateValue& value, size_t column,
                   int64_t rows);
  Status bind_extreme(SqliteStatement& statement, int at, size_t column, const Bucket& bucket);
  Status store(size_t number, const Bucket& bucket);
  [[nodiscard]] Status damaged(const std::string& what) const;

  const SqliteDatabase* db_;
  std::string space_;
  std::unique_ptr<Tally> tally_;
  size_t keys_ = 0;
  AggregateBinder binder_;
  SqliteStatement find_bucket_;
  SqliteStatement insert_bucket_;
  SqliteStatement update_bucket_;
  SqliteStatement delete_bucket_;
  SqliteStatement insert_;
  SqliteStatement update_;
  SqliteStatement delete_;
  // One for each column, empty where it has no values.
  std::vector<SqliteStatement> more_of_value_;
  std::vector<SqliteStatement> new_value_;
  std::vector<SqliteStatement> less_of_value_;
  std::vector<SqliteStatement> delete_value_;
  std::vector<SqliteStatement> extreme_;  // of min and max
};

}  // namespace leat
