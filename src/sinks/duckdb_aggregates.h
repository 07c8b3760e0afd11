#pragma once

// The aggregates of a pipeline in DuckDB. Also used by verify, on temporary tables. Owned by the sink or the store;
// one thread, but for prepare().

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flow/note.h"
#include "sinks/duckdb_aggregate.h"

namespace leat {

class DuckDbAggregates {
 public:
  // Within a transaction: makes the stored aggregates of `pipeline` those of `specs`, builds what is new or changed
  // from the rows of `table`, drops the others; each is said through `note`. bad_config: a declaration that does not
  // fit, a name that is taken.
  static Result<std::unique_ptr<DuckDbAggregates>> make(const DuckDb& db, const std::string& pipeline,
                                                        const std::string& table, const SchemaPtr& schema,
                                                        const std::vector<AggregateSpec>& specs, const Note& note);
  // Builds `specs` from the rows of `table` in temporary tables. `progress` gets the rows read so far.
  static Result<std::unique_ptr<DuckDbAggregates>> recount(const DuckDb& db, const std::string& table,
                                                           const SchemaPtr& schema,
                                                           const std::vector<AggregateSpec>& specs,
                                                           const std::function<void(uint64_t)>& progress);
  // Within a transaction: makes the tables of `specs` empty and fills them from the rows of `table`; what a user has
  // put on them stays. The number of rows.
  static Result<uint64_t> rebuild(const DuckDb& db, const std::string& table, const SchemaPtr& schema,
                                  const std::vector<AggregateSpec>& specs,
                                  const std::function<void(uint64_t)>& progress);

  // Any thread, several at once, beside all that is done with a sink's aggregates.
  void prepare(RecordBatch& batch) const;
  void add(const RecordBatch& batch, size_t first, size_t count);
  Status touch(const RecordBatch& batch, size_t first, size_t count);
  // All that was added and touched goes into the tables; the row table is read only when something was touched.
  Status apply();
  // Indexes of the columns that any of them reads.
  [[nodiscard]] std::vector<size_t> inputs() const;
  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] const std::vector<std::unique_ptr<DuckDbAggregate>>& all() const { return all_; }

 private:
  DuckDbAggregates(const DuckDb& db, std::string table, SchemaPtr schema)
      : db_(&db), table_(std::move(table)), schema_(std::move(schema)) {}
  Result<uint64_t> build(const std::vector<DuckDbAggregate*>& fresh, const std::function<void(uint64_t)>& progress);
  Status again();

  const DuckDb* db_;
  std::string table_;
  SchemaPtr schema_;
  std::vector<std::unique_ptr<DuckDbAggregate>> all_;
};

}  // namespace leat
