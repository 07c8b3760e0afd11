#include "sinks/sqlite_tally_table.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"

namespace leat {

Result<std::unique_ptr<KeptAggregate>> TallyTable::make(const SqliteDatabase& db, const AggregateSpec& spec,
                                                        const Schema& schema, const std::string& space, bool create) {
  std::unique_ptr<TallyTable> table(new TallyTable(db, space));
  LEAT_ASSIGN(table->tally_, Tally::bind(spec, schema));
  for (const AggregateColumn& column : table->columns()) table->keys_ += column.key ? 1 : 0;
  table->binder_ = AggregateBinder(table->columns());
  if (create) LEAT_TRY(table->create_tables());
  LEAT_TRY(table->prepare());
  return std::unique_ptr<KeptAggregate>(std::move(table));
}

Status TallyTable::create_tables() const {
  const std::string& name = spec().name;
  const std::string buckets = bucket_table(name);
  std::string typed;
  std::string keys;
  std::string typed_keys;
  std::string sums;
  for (const AggregateColumn& column : columns()) {
    const std::string text = fmt::format("{} {}", sql_name(column.name), sqlite_storage(column.type));
    typed += (typed.empty() ? "" : ", ") + text;
    if (is_sum(column)) sums += fmt::format(", {} BLOB NOT NULL", sql_name("sum_" + column.name));
    if (!column.key) continue;
    keys += (keys.empty() ? "" : ", ") + sql_name(column.name);
    typed_keys += ", " + text;
  }
  LEAT_TRY(db_->execute(fmt::format("CREATE TABLE {}.{}({})", space_, sql_name(name), typed)));
  LEAT_TRY(db_->execute(fmt::format("CREATE TABLE {}.{}(bucket INTEGER PRIMARY KEY{}, rows INTEGER NOT NULL{})", space_,
                                    sql_name(buckets), typed_keys, sums)));
  for (const auto& [index, table] : {std::pair("_leat_key_" + name, name), std::pair(buckets + "_key", buckets)}) {
    LEAT_TRY(db_->execute(
        fmt::format("CREATE UNIQUE INDEX {}.{} ON {}({})", space_, sql_name(index), sql_name(table), keys)));
  }
  for (const AggregateColumn& column : columns()) {
    if (!has_values(column)) continue;
    LEAT_TRY(db_->execute(
        fmt::format("CREATE TABLE {}.{}(bucket INTEGER NOT NULL, value {} NOT NULL, rows INTEGER NOT NULL, "
                    "PRIMARY KEY(bucket, value)) WITHOUT ROWID",
                    space_, sql_name(distinct_table(name, column.name)), sqlite_storage(column.argument))));
  }
  return {};
}

Status TallyTable::prepare() {
  const std::vector<AggregateColumn>& all = columns();
  const std::string name = space_ + "." + sql_name(spec().name);
  const std::string buckets = space_ + "." + sql_name(bucket_table(spec().name));
  const std::string where = keys_are(all, 1);
  std::string marks;
  std::string set;
  std::string key_names;
  std::string key_marks;
  std::string sum_names;
  std::string sum_marks;
  std::string set_sums;
  size_t sums = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string column = sql_name(all[i].name);
    marks += fmt::format("{}?{}", i == 0 ? "" : ", ", i + 1);
    if (all[i].key) {
      key_names += ", " + column;
      key_marks += fmt::format(", ?{}", i + 1);
      continue;
    }
    const bool distinct = all[i].measure == Measure::count_distinct;
    set += fmt::format("{}{} = {}?{}", set.empty() ? "" : ", ", column, distinct ? column + " + " : "", i + 1);
    if (!is_sum(all[i])) continue;
    const std::string sum = sql_name("sum_" + all[i].name);
    sum_names += ", " + sum;
    sum_marks += fmt::format(", ?{}", keys_ + 2 + sums);
    set_sums += fmt::format(", {} = ?{}", sum, 3 + sums);
    ++sums;
  }
  LEAT_ASSIGN(insert_, db_->prepare(fmt::format("INSERT INTO {} VALUES({})", name, marks)));
  LEAT_ASSIGN(update_, db_->prepare(fmt::format("UPDATE {} SET {} WHERE {}", name, set, where)));
  LEAT_ASSIGN(delete_, db_->prepare(fmt::format("DELETE FROM {} WHERE {}", name, where)));
  LEAT_ASSIGN(find_bucket_,
              db_->prepare(fmt::format("SELECT bucket, rows{} FROM {} WHERE {}", sum_names, buckets, where)));
  LEAT_ASSIGN(insert_bucket_,
              db_->prepare(fmt::format("INSERT INTO {}(bucket{}, rows{}) VALUES(NULL{}, ?{}{})", buckets, key_names,
                                       sum_names, key_marks, keys_ + 1, sum_marks)));
  LEAT_ASSIGN(update_bucket_,
              db_->prepare(fmt::format("UPDATE {} SET rows = ?2{} WHERE bucket = ?1", buckets, set_sums)));
  LEAT_ASSIGN(delete_bucket_, db_->prepare(fmt::format("DELETE FROM {} WHERE bucket = ?1", buckets)));
  more_of_value_.resize(all.size());
  new_value_.resize(all.size());
  less_of_value_.resize(all.size());
  delete_value_.resize(all.size());
  extreme_.resize(all.size());
  for (size_t i = keys_; i < all.size(); ++i) {
    if (!has_values(all[i])) continue;
    const std::string values = space_ + "." + sql_name(distinct_table(spec().name, all[i].name));
    LEAT_ASSIGN(more_of_value_[i],
                db_->prepare(fmt::format("UPDATE {} SET rows = rows + ?3 WHERE bucket = ?1 AND value = ?2", values)));
    LEAT_ASSIGN(new_value_[i], db_->prepare(fmt::format("INSERT INTO {} VALUES(?1, ?2, ?3)", values)));
    LEAT_ASSIGN(less_of_value_[i],
                db_->prepare(fmt::format(
                    "UPDATE {} SET rows = rows + ?3 WHERE bucket = ?1 AND value = ?2 RETURNING rows", values)));
    LEAT_ASSIGN(delete_value_[i], db_->prepare(fmt::format("DELETE FROM {} WHERE bucket = ?1 AND value = ?2", values)));
    if (all[i].measure == Measure::count_distinct) continue;
    LEAT_ASSIGN(extreme_[i], db_->prepare(fmt::format("SELECT value FROM {} WHERE bucket = ?1 ORDER BY value{} LIMIT 1",
                                                      values, all[i].measure == Measure::max ? " DESC" : "")));
  }
  return {};
}

void TallyTable::bind_keys(SqliteStatement& statement, int at, size_t bucket) {
  binder_.bind_keys(statement, at, [&](size_t key) { return tally_->key(bucket, key); });
}

Status TallyTable::damaged(const std::string& what) const {
  return Status::fatal(fmt::format("{}: aggregate {}: {}; see `leat verify`, then `leat rebuild`", db_->where(),
                                   quoted(spec().name), what));
}

Result<TallyTable::Bucket> TallyTable::load(size_t bucket) {
  Bucket loaded;
  loaded.sums.resize(columns().size());
  loaded.distinct.resize(columns().size());
  bind_keys(find_bucket_, 1, bucket);
  LEAT_ASSIGN(const bool found, find_bucket_.step());
  loaded.is_new = !found;
  if (found) {
    loaded.id = find_bucket_.integer(0);
    loaded.rows = find_bucket_.integer(1);
    int at = 2;
    for (size_t i = keys_; i < columns().size(); ++i) {
      if (is_sum(columns()[i]) && !loaded.sums[i].restore(find_bucket_.text(at++))) {
        return damaged(fmt::format("a sum of bucket {} cannot be read", loaded.id));
      }
    }
  }
  find_bucket_.reset();
  loaded.rows += tally_->rows(bucket);
  int at = static_cast<int>(keys_) + 1;
  for (size_t i = keys_; i < columns().size(); ++i) {
    if (is_sum(columns()[i])) loaded.sums[i].add(tally_->sum(bucket, i));
  }
  if (found) return loaded;
  bind_keys(insert_bucket_, 1, bucket);
  insert_bucket_.bind(at++, loaded.rows);
  std::vector<std::string> saved;
  for (size_t i = keys_; i < columns().size(); ++i) {
    if (is_sum(columns()[i])) saved.push_back(loaded.sums[i].save());
  }
  for (const std::string& sum : saved) insert_bucket_.bind_blob(at++, sum);
  LEAT_TRY(insert_bucket_.run());
  loaded.id = db_->last_row();
  return loaded;
}

Status TallyTable::change_values(size_t column, std::vector<Bucket>& buckets) {
  return tally_->for_each_value(column, [&](size_t number, const AggregateValue& value, int64_t rows) -> Status {
    Bucket& bucket = buckets[number];
    const auto run = [&](SqliteStatement& statement) -> Status {
      bind_change(statement, bucket, value, column, rows);
      return statement.run();
    };
    if (rows > 0) {
      LEAT_TRY(run(more_of_value_[column]));
      if (db_->changes() == 1) return {};
      ++bucket.distinct[column];
      return run(new_value_[column]);
    }
    SqliteStatement& less = less_of_value_[column];
    bind_change(less, bucket, value, column, rows);
    LEAT_ASSIGN(const bool found, less.step());
    const int64_t left = found ? less.integer(0) : -1;
    LEAT_TRY(less.run());
    if (left < 0) return damaged(fmt::format("bucket {} has a value less often than it was taken out", bucket.id));
    if (left > 0) return {};
    --bucket.distinct[column];
    SqliteStatement& remove = delete_value_[column];
    remove.bind(1, bucket.id);
    binder_.bind(remove, 2, value, column);
    return remove.run();
  });
}

void TallyTable::bind_change(SqliteStatement& statement, const Bucket& bucket, const AggregateValue& value,
                             size_t column, int64_t rows) {
  statement.bind(1, bucket.id);
  binder_.bind(statement, 2, value, column);
  statement.bind(3, rows);
}

Status TallyTable::bind_extreme(SqliteStatement& statement, int at, size_t column, const Bucket& bucket) {
  SqliteStatement& select = extreme_[column];
  select.bind(1, bucket.id);
  LEAT_ASSIGN(const bool found, select.step());
  if (found) {
    statement.bind_column(at, select, 0);
  } else {
    statement.bind_null(at);
  }
  select.reset();
  return {};
}

// The row of the aggregate's own table, and that of the helper.
Status TallyTable::store(size_t number, const Bucket& bucket) {
  if (bucket.rows < 0) return damaged(fmt::format("bucket {} has fewer rows than were taken out of it", bucket.id));
  if (bucket.rows == 0) {
    bind_keys(delete_, 1, number);
    LEAT_TRY(delete_.run());
    return delete_bucket_.with(bucket.id).run();
  }
  if (!bucket.is_new) {
    update_bucket_.bind(1, bucket.id);
    update_bucket_.bind(2, bucket.rows);
    std::vector<std::string> saved;
    for (size_t i = keys_; i < columns().size(); ++i) {
      if (is_sum(columns()[i])) saved.push_back(bucket.sums[i].save());
    }
    int at = 3;
    for (const std::string& sum : saved) update_bucket_.bind_blob(at++, sum);
    LEAT_TRY(update_bucket_.run());
  }
  SqliteStatement& statement = bucket.is_new ? insert_ : update_;
  bind_keys(statement, 1, number);
  for (size_t i = keys_; i < columns().size(); ++i) {
    const AggregateColumn& column = columns()[i];
    const int at = static_cast<int>(i) + 1;
    const ExactSum& sum = bucket.sums[i];
    switch (column.measure) {
      case Measure::count:
        statement.bind(at, bucket.rows);
        break;
      case Measure::count_distinct:
        statement.bind(at, bucket.distinct[i]);
        break;
      case Measure::sum:
        if (sum.empty()) {
          statement.bind_null(at);
        } else if (column.type == Type::real) {
          statement.bind(at, sum.real());
        } else {
          statement.bind(at, sum.integer());
        }
        break;
      case Measure::min:
      case Measure::max:
        LEAT_TRY(bind_extreme(statement, at, i, bucket));
        break;
    }
  }
  LEAT_TRY(statement.run());
  if (db_->changes() == 1) return {};
  return damaged("a row of it is gone");
}

Status TallyTable::apply() {
  std::vector<Bucket> buckets;
  buckets.reserve(tally_->buckets());
  for (size_t i = 0; i < tally_->buckets(); ++i) {
    LEAT_ASSIGN(Bucket bucket, load(i));
    buckets.push_back(std::move(bucket));
  }
  for (size_t i = keys_; i < columns().size(); ++i) {
    if (has_values(columns()[i])) LEAT_TRY(change_values(i, buckets));
  }
  for (size_t i = 0; i < buckets.size(); ++i) LEAT_TRY(store(i, buckets[i]));
  tally_->clear();
  return {};
}

}  // namespace leat
