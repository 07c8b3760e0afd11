#pragma once

// Counts kept up to date from batches: keys × measures. An Aggregate holds what the rows since the last commit change
// (deltas), and a bounded memory of distinct values it has already handed out; the totals and the distinct sets
// themselves live in the sink. Or, for a sink without tables, it holds all (Keeping). One thread (the sink's), but for
// count().
//
// The sink calls add() for rows that it has inserted, then at commit: adds the deltas to the aggregate's table, inserts
// the candidates into the distinct sets (those that were really new are what a count_distinct grows by), and calls
// committed(). After a failure, or when values were taken out of a distinct set: rolled_back(), as nothing that it
// remembers of the sink is true any more.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "data/aggregate_spec.h"
#include "data/record_batch.h"

namespace leat {

enum class Measure : uint8_t { count, sum, min, max, count_distinct };

// A column of the aggregate's table.
struct AggregateColumn {
  std::string name;
  Type type = Type::text;  // of the stored value; day(), hour(), minute(), month() are text
  bool key = false;
  Measure measure = Measure::count;  // when not a key
  Type argument = Type::text;        // type of a count_distinct's values
};

// One value, borrowed: valid until the next call that is not const.
struct AggregateValue {
  enum class Kind : uint8_t { null, integer, real, text } kind = Kind::null;  // time: integer microseconds
  int64_t integer = 0;
  double real = 0;
  std::string_view text;
};

// changes: of the rows since committed(), for a sink that adds them to its tables. all: of every row since it was
// bound, for a sink that has no tables: the value of a count_distinct is the number of values, there are no candidates,
// and committed() is not called.
enum class Keeping : uint8_t { changes, all };

// The rows of one batch, counted by themselves: what can be done before the batch has its turn.
class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  virtual ~Counted() = default;
};

// The same for each aggregate of a sink, in their order: what its prepare() leaves. Null: it was added.
struct CountedBatch final : Prepared {
  std::vector<std::unique_ptr<Counted>> counted;
};

class Aggregate {
 public:
  // Checks the declaration against the columns of the rows. bad_config: unknown column or function, a wrong type,
  // an unknown time zone; the message names the expression and what there is.
  static Result<std::unique_ptr<Aggregate>> bind(const AggregateSpec& spec, const Schema& schema,
                                                 Keeping keeping = Keeping::changes);

  Aggregate() = default;
  Aggregate(const Aggregate&) = delete;
  Aggregate& operator=(const Aggregate&) = delete;
  virtual ~Aggregate() = default;

  [[nodiscard]] virtual const AggregateSpec& spec() const = 0;
  // Keys first, then measures, in the declared order.
  [[nodiscard]] virtual const std::vector<AggregateColumn>& columns() const = 0;
  // Indexes into the schema of the columns that the expressions read.
  [[nodiscard]] virtual const std::vector<size_t>& inputs() const = 0;

  // Any thread, several at once, beside all other calls.
  [[nodiscard]] virtual std::unique_ptr<Counted> count(const RecordBatch& batch) const = 0;
  // All rows of the batch that `counted` was made of, by this Aggregate.
  virtual void add(const RecordBatch& batch, std::unique_ptr<Counted> counted) = 0;
  virtual void add(const RecordBatch& batch, size_t first, size_t count) = 0;
  // Only rows whose bucket exists in `touched` (another Aggregate of the same spec).
  virtual void add_where_in(const Aggregate& touched, const RecordBatch& batch, size_t first, size_t count) = 0;

  // The buckets touched since committed(), numbered from 0.
  [[nodiscard]] virtual size_t buckets() const = 0;
  // A small number that the bucket keeps from commit to commit, so that a sink can remember where its row is.
  [[nodiscard]] virtual size_t place(size_t bucket) const = 0;
  // `column` indexes columns(). For keys the key's value; for measures what is to be added (count, sum) or compared
  // (min, max); for count_distinct null: the sink counts the candidates that are new. A sum, min or max over NULLs
  // only is null.
  [[nodiscard]] virtual AggregateValue value(size_t bucket, size_t column) const = 0;
  // Values of a count_distinct not known to be in its set, each at most once; those of a bucket together and in order,
  // so that an insert into a table ordered by them runs through its pages in order. NULLs do not count.
  virtual void for_each_candidate(size_t column,
                                  const std::function<Status(size_t bucket, AggregateValue value)>& visit,
                                  Status* outcome) = 0;

  // Allocated for buckets, measures and distinct values, whether in use or not.
  [[nodiscard]] virtual size_t memory_bytes() const = 0;

  // The deltas are in the sink: forgets them; the known distinct values stay known. False: the places begin anew, so
  // that memory stays bounded.
  virtual bool committed() = 0;
  // The deltas are not in the sink, nor is anything known of what is: forgets all, also the places.
  virtual void rolled_back() = 0;
};

// Rows [first, first + count) go into aggregate number `at` of a sink: by what its prepare() has counted, if that is
// there and all rows are to be added.
void add_prepared(Aggregate& aggregate, size_t at, const RecordBatch& batch, size_t first, size_t count);

}  // namespace leat
