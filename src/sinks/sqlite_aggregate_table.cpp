#include <fmt/format.h>

#include <unordered_set>

#include "base/text.h"
#include "sinks/sqlite_aggregates.h"

namespace leat {
namespace {

constexpr uint64_t kReaddRows = 128 * 1024;

// What a measure becomes when ?`at` is added to it; NULL stays out of it.
std::string added(const AggregateColumn& column, size_t at) {
  std::string name = sql_name(column.name);
  switch (column.measure) {
    case Measure::count:
    case Measure::count_distinct:
      return fmt::format("{} + ?{}", name, at);
    case Measure::sum:
      // SQLite's own + would turn an integer that grows too large into a real.
      if (column.type == Type::integer) {
        return fmt::format(
            "CASE WHEN ?{1} > 0 AND {0} > 9223372036854775807 - ?{1} THEN 9223372036854775807 "
            "WHEN ?{1} < 0 AND {0} < -9223372036854775807 - 1 - ?{1} THEN -9223372036854775807 - 1 "
            "ELSE ifnull({0} + ?{1}, ifnull({0}, ?{1})) END",
            name, at);
      }
      return fmt::format("ifnull({0} + ?{1}, ifnull({0}, ?{1}))", name, at);
    case Measure::min:
      return fmt::format("ifnull(min({0}, ?{1}), ifnull({0}, ?{1}))", name, at);
    case Measure::max:
      return fmt::format("ifnull(max({0}, ?{1}), ifnull({0}, ?{1}))", name, at);
  }
  return name;
}

bool is_distinct(const AggregateColumn& column) {
  return !column.key && column.measure == Measure::count_distinct;
}

}  // namespace

Result<std::unique_ptr<KeptAggregate>> AggregateTable::make(const SqliteDatabase& db, const AggregateSpec& spec,
                                                            const Schema& schema, const std::string& space,
                                                            bool create) {
  std::unique_ptr<AggregateTable> table(new AggregateTable(db, schema, space));
  LEAT_ASSIGN(table->aggregate_, Aggregate::bind(spec, schema));
  for (const AggregateColumn& column : table->columns()) {
    if (column.key) ++table->keys_;
    if (is_distinct(column)) table->has_distinct_ = true;
  }
  table->binder_ = AggregateBinder(table->columns());
  if (create) LEAT_TRY(table->create_tables());
  LEAT_TRY(table->prepare());
  return std::unique_ptr<KeptAggregate>(std::move(table));
}

Status AggregateTable::create_tables() const {
  const std::string& name = spec().name;
  std::string keys;
  std::string typed;
  std::string typed_keys;
  std::unordered_set<std::string> seen;
  for (const AggregateColumn& column : columns()) {
    if (!seen.insert(lower_case(column.name)).second) {
      return Status::bad_config(
          fmt::format("{}: aggregate {}: two columns are named {} (SQLite ignores case); rename one", db_->where(),
                      quoted(name), quoted(column.name)));
    }
    const std::string text = fmt::format("{} {}", sql_name(column.name), sqlite_storage(column.type));
    typed += (typed.empty() ? "" : ", ") + text;
    if (!column.key) continue;
    keys += (keys.empty() ? "" : ", ") + sql_name(column.name);
    typed_keys += ", " + text;
  }
  LEAT_TRY(db_->execute(fmt::format("CREATE TABLE {}.{}({})", space_, sql_name(name), typed)));
  if (!keys.empty()) {
    LEAT_TRY(db_->execute(fmt::format("CREATE UNIQUE INDEX {}.{} ON {}({})", space_, sql_name("_leat_key_" + name),
                                      sql_name(name), keys)));
  }
  if (!has_distinct_) return {};
  const std::string buckets = bucket_table(name);
  LEAT_TRY(db_->execute(
      fmt::format("CREATE TABLE {}.{}(bucket INTEGER PRIMARY KEY{})", space_, sql_name(buckets), typed_keys)));
  if (!keys.empty()) {
    LEAT_TRY(db_->execute(fmt::format("CREATE UNIQUE INDEX {}.{} ON {}({})", space_, sql_name(buckets + "_key"),
                                      sql_name(buckets), keys)));
  }
  for (const AggregateColumn& column : columns()) {
    if (!is_distinct(column)) continue;
    LEAT_TRY(db_->execute(
        fmt::format("CREATE TABLE {}.{}(bucket INTEGER NOT NULL, value {} NOT NULL, "
                    "PRIMARY KEY(bucket, value)) WITHOUT ROWID",
                    space_, sql_name(distinct_table(name, column.name)), sqlite_storage(column.argument))));
  }
  return {};
}

Status AggregateTable::prepare() {
  const std::string name = space_ + "." + sql_name(spec().name);
  const std::vector<AggregateColumn>& all = columns();
  std::string set;
  std::string marks;
  for (size_t i = 0; i < all.size(); ++i) {
    marks += fmt::format("{}?{}", i == 0 ? "" : ", ", i + 1);
    if (!all[i].key)
      set += fmt::format("{}{} = {}", set.empty() ? "" : ", ", sql_name(all[i].name), added(all[i], i + 1));
  }
  const std::string where = keys_are(all, 1);
  LEAT_ASSIGN(insert_, db_->prepare(fmt::format("INSERT INTO {} VALUES({})", name, marks)));
  LEAT_ASSIGN(find_, db_->prepare(fmt::format("SELECT rowid FROM {} WHERE {}", name, where)));
  LEAT_ASSIGN(update_, db_->prepare(fmt::format("UPDATE {} SET {} WHERE rowid = ?{}", name, set, all.size() + 1)));
  LEAT_ASSIGN(delete_, db_->prepare(fmt::format("DELETE FROM {} WHERE {}", name, where)));
  insert_member_.resize(all.size());
  delete_members_.resize(all.size());
  if (!has_distinct_) return {};
  const std::string buckets = space_ + "." + sql_name(bucket_table(spec().name));
  std::string key_marks;
  for (size_t i = 0; i < keys_; ++i) key_marks += fmt::format(", ?{}", i + 1);
  LEAT_ASSIGN(find_bucket_, db_->prepare(fmt::format("SELECT bucket FROM {} WHERE {}", buckets, where)));
  LEAT_ASSIGN(insert_bucket_, db_->prepare(fmt::format("INSERT INTO {} VALUES(NULL{})", buckets, key_marks)));
  for (size_t i = keys_; i < all.size(); ++i) {
    if (!is_distinct(all[i])) continue;
    const std::string members = space_ + "." + sql_name(distinct_table(spec().name, all[i].name));
    LEAT_ASSIGN(insert_member_[i], db_->prepare(fmt::format("INSERT OR IGNORE INTO {} VALUES(?, ?)", members)));
    LEAT_ASSIGN(delete_members_[i], db_->prepare(fmt::format("DELETE FROM {} WHERE bucket = ?", members)));
  }
  return {};
}

void AggregateTable::bind_keys(SqliteStatement& statement, int at, const Aggregate& from, size_t bucket) {
  binder_.bind_keys(statement, at, [&](size_t key) { return from.value(bucket, key); });
}

Result<int64_t> AggregateTable::bucket_id(const Aggregate& from, size_t bucket, bool create) {
  bind_keys(find_bucket_, 1, from, bucket);
  LEAT_ASSIGN(const bool found, find_bucket_.step());
  const int64_t id = found ? find_bucket_.integer(0) : 0;
  find_bucket_.reset();
  if (found || !create) return id;
  bind_keys(insert_bucket_, 1, from, bucket);
  LEAT_TRY(insert_bucket_.run());
  return db_->last_row();
}

Status AggregateTable::insert_members(size_t column, std::vector<int64_t>& members) {
  SqliteStatement& insert = insert_member_[column];
  size_t current = SIZE_MAX;
  int64_t id = 0;
  Status outcome;
  aggregate_->for_each_candidate(
      column,
      [&](size_t bucket, AggregateValue value) -> Status {
        if (bucket != current) {
          LEAT_ASSIGN(id, bucket_id(*aggregate_, bucket, true));
          current = bucket;
        }
        insert.bind(1, id);
        binder_.bind(insert, 2, value, column);
        LEAT_TRY(insert.run());
        if (db_->changes() != 0) ++members[bucket];
        return {};
      },
      &outcome);
  return outcome;
}

Result<std::optional<int64_t>> AggregateTable::row_of(size_t bucket) {
  const size_t place = aggregate_->place(bucket);
  if (place >= rows_.size()) rows_.resize(place + 1);
  if (rows_[place]) return rows_[place];
  bind_keys(find_, 1, *aggregate_, bucket);
  LEAT_ASSIGN(const bool found, find_.step());
  if (found) rows_[place] = find_.integer(0);
  find_.reset();
  return rows_[place];
}

Status AggregateTable::apply() {
  const size_t buckets = aggregate_->buckets();
  const std::vector<AggregateColumn>& all = columns();
  std::vector<std::vector<int64_t>> members(all.size());
  for (size_t i = keys_; i < all.size(); ++i) {
    if (!is_distinct(all[i])) continue;
    members[i].resize(buckets);
    LEAT_TRY(insert_members(i, members[i]));
  }
  for (size_t bucket = 0; bucket < buckets; ++bucket) {
    const auto bind_measures = [&](SqliteStatement& statement) {
      for (size_t i = keys_; i < all.size(); ++i) {
        const int at = static_cast<int>(i) + 1;
        if (is_distinct(all[i])) {
          statement.bind(at, members[i][bucket]);
        } else {
          binder_.bind(statement, at, aggregate_->value(bucket, i), i);
        }
      }
    };
    LEAT_ASSIGN(const std::optional<int64_t> row, row_of(bucket));
    if (row) {
      bind_measures(update_);
      update_.bind(static_cast<int>(all.size()) + 1, *row);
      LEAT_TRY(update_.run());
      if (db_->changes() == 1) continue;
      return Status::fatal(fmt::format("{}: a row of {} is gone; see `leat verify`", db_->where(), spec().name));
    }
    bind_keys(insert_, 1, *aggregate_, bucket);
    bind_measures(insert_);
    LEAT_TRY(insert_.run());
    rows_[aggregate_->place(bucket)] = db_->last_row();
  }
  if (!aggregate_->committed()) rows_.clear();
  return {};
}

Status AggregateTable::touch(const RecordBatch& batch, size_t first, size_t count) {
  if (!touched_) {
    LEAT_ASSIGN(touched_, Aggregate::bind(spec(), schema_));
  }
  touched_->add(batch, first, count);
  return {};
}

Status AggregateTable::begin_again() {
  if (!touched_) return {};
  rows_.clear();
  for (size_t bucket = 0; bucket < touched_->buckets(); ++bucket) {
    bind_keys(delete_, 1, *touched_, bucket);
    LEAT_TRY(delete_.run());
    if (!has_distinct_) continue;
    LEAT_ASSIGN(const int64_t id, bucket_id(*touched_, bucket, false));
    for (SqliteStatement& members : delete_members_) {
      if (members) LEAT_TRY(members.with(id).run());
    }
  }
  // What it remembers of the sets is not true any more.
  aggregate_->rolled_back();
  return {};
}

Status AggregateTable::readd(const RecordBatch& batch) {
  if (!touched_) return {};
  aggregate_->add_where_in(*touched_, batch, 0, batch.rows());
  readded_ += batch.rows();
  if (readded_ < kReaddRows) return {};
  readded_ = 0;
  return apply();
}

Status AggregateTable::end_again() {
  if (!touched_) return {};
  touched_.reset();
  readded_ = 0;
  return apply();
}

}  // namespace leat
