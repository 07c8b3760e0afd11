#include "sinks/postgres_aggregate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/hash.h"
#include "base/text.h"
#include "db/sql.h"
#include "sinks/postgres_rows.h"

namespace leat {
namespace {

constexpr uint64_t kReaddRows = 128 * 1024;
constexpr size_t kBuckets = 16 * 1024;            // in one statement
constexpr size_t kMemberBytes = 4 * 1024 * 1024;  // likewise
constexpr size_t kIndexBytes = 2000;              // PostgreSQL's indexes take some 2,700 a row

bool is_distinct(const AggregateColumn& column) {
  return !column.key && column.measure == Measure::count_distinct;
}

// json is kept as text: it has no order.
std::string storage(Type type) {
  return postgres_storage(type == Type::json ? Type::text : type, false);
}

const char* array_of(Type type) {
  return postgres_array(postgres_type(type, false));
}

// What a measure of the row `a` becomes when that of EXCLUDED is added to it; NULL stays out of it.
std::string added(const AggregateColumn& column) {
  const std::string name = sql_name(column.name);
  std::string old = "a." + name;
  const std::string more = "EXCLUDED." + name;
  switch (column.measure) {
    case Measure::count:
    case Measure::count_distinct:
      return fmt::format("{} + {}", old, more);
    case Measure::sum:
      // Held at the limits of the type, where PostgreSQL would refuse.
      if (column.type == Type::integer) {
        return fmt::format(
            "CASE WHEN {1} > 0 AND {0} > 9223372036854775807 - {1} THEN 9223372036854775807 "
            "WHEN {1} < 0 AND {0} < -9223372036854775807 - 1 - {1} THEN -9223372036854775807 - 1 "
            "ELSE coalesce({0} + {1}, {0}, {1}) END",
            old, more);
      }
      return fmt::format(
          "nullif(CASE WHEN {1} > 0 AND {0} > 1.7976931348623157e308 - {1} THEN 'Infinity' "
          "WHEN {1} < 0 AND {0} < -1.7976931348623157e308 - {1} THEN '-Infinity' "
          "ELSE coalesce({0} + {1}, {0}, {1}) END, 'NaN')",
          old, more);
    case Measure::min:
      return fmt::format("least({}, {})", old, more);
    case Measure::max:
      return fmt::format("greatest({}, {})", old, more);
  }
  return old;
}

// A text that an index takes: one that is not plain, or too long, is told from all others by a hash at its end.
std::string_view bounded_text(std::string_view text, size_t limit, std::string& made) {
  if (text.size() <= limit && is_plain_text(text)) return text;
  constexpr size_t kMark = 36;  // "…#" and the hash
  std::string plain;
  std::string_view shown = postgres_text(text, plain);
  size_t keep = std::min(shown.size(), limit - kMark);
  while (keep > 0 && keep < shown.size() && (static_cast<unsigned char>(shown[keep]) & 0xC0) == 0x80) --keep;
  made = fmt::format("{}…#{}", shown.substr(0, keep), hex(hash128(text)));
  return made;
}

}  // namespace

std::string postgres_distinct_table(const std::string& aggregate, const std::string& measure) {
  return postgres_short_name("_leat_distinct_" + aggregate + "_" + measure);
}

Type postgres_value_type(const AggregateColumn& column) {
  const Type type = is_distinct(column) ? column.argument : column.type;
  return type == Type::json ? Type::text : type;
}

Result<std::unique_ptr<PostgresAggregate>> PostgresAggregate::make(const PostgresDatabase& db,
                                                                   const AggregateSpec& spec, const Schema& schema,
                                                                   const std::string& space, bool create) {
  std::unique_ptr<PostgresAggregate> made(new PostgresAggregate(db, schema, space));
  LEAT_ASSIGN(made->aggregate_, Aggregate::bind(spec, schema));
  size_t texts = 0;
  size_t at = 0;
  std::string names;
  std::string key_names;
  std::string values;
  std::string set;
  for (const AggregateColumn& column : made->columns()) {
    const std::string name = sql_name(column.name);
    names += (names.empty() ? "" : ", ") + name;
    const Type type = is_distinct(column) ? Type::integer : postgres_value_type(column);
    values += fmt::format("{}${}::{}", values.empty() ? "" : ", ", ++at, array_of(type));
    if (is_distinct(column)) made->has_distinct_ = true;
    if (column.key) {
      ++made->keys_;
      key_names += (key_names.empty() ? "" : ", ") + name;
      if (type == Type::text) ++texts;
    } else {
      set += fmt::format("{}{} = {}", set.empty() ? "" : ", ", name, added(column));
    }
  }
  made->text_limit_ = kIndexBytes / std::max<size_t>(texts, 1);
  // Without keys there is one bucket, number 0.
  made->upsert_ = fmt::format(
      "INSERT INTO {0} AS a ({1}{2}) SELECT {3}* FROM unnest({4}) ON CONFLICT ({5}) DO UPDATE SET {6} RETURNING "
      "a._bucket",
      made->name(spec.name), made->keys_ == 0 ? "_bucket, " : "", names, made->keys_ == 0 ? "0, " : "", values,
      made->keys_ == 0 ? "_bucket" : key_names, set.empty() ? "_bucket = a._bucket" : set);
  if (create) LEAT_TRY(made->create_tables());
  return made;
}

std::string PostgresAggregate::name(const std::string& table) const {
  return sql_name(space_) + "." + sql_name(table);
}

Status PostgresAggregate::create_tables() const {
  const char* create = space_ == "pg_temp" ? "CREATE TEMP TABLE" : "CREATE TABLE";
  std::string typed;
  std::string keys;
  for (const AggregateColumn& column : columns()) {
    LEAT_TRY(check_postgres_column(db_->where(), spec().name, column.name));
    typed += fmt::format("{} {}, ", sql_name(column.name), is_distinct(column) ? "bigint" : storage(column.type));
    if (column.key) keys += fmt::format("{}{} NULLS FIRST", keys.empty() ? "" : ", ", sql_name(column.name));
  }
  LEAT_TRY(db_->execute(fmt::format("{} {}({}_bucket bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)", create,
                                    name(spec().name), typed)));
  if (!keys.empty()) {
    LEAT_TRY(
        db_->execute(fmt::format("CREATE UNIQUE INDEX {} ON {}({}) NULLS NOT DISTINCT",
                                 sql_name(postgres_short_name("_leat_key_" + spec().name)), name(spec().name), keys)));
  }
  for (const AggregateColumn& column : columns()) {
    if (!is_distinct(column)) continue;
    LEAT_TRY(
        db_->execute(fmt::format("{} {}(bucket bigint, value {}, PRIMARY KEY(bucket, value))", create,
                                 name(postgres_distinct_table(spec().name, column.name)), storage(column.argument))));
  }
  return {};
}

std::vector<PostgresArray> PostgresAggregate::arrays(size_t first, size_t end) const {
  std::vector<PostgresArray> all;
  for (size_t i = first; i < end; ++i) {
    const AggregateColumn& column = columns()[i];
    all.emplace_back(is_distinct(column) ? PostgresType::int8 : postgres_type(postgres_value_type(column), false));
  }
  return all;
}

void PostgresAggregate::put(PostgresArray& into, const AggregateValue& value, bool bounded) {
  PostgresBytes& bytes = into.next();
  switch (value.kind) {
    case AggregateValue::Kind::null:
      return bytes.put_null();
    case AggregateValue::Kind::integer:
      if (into.type() == PostgresType::timestamptz) return bytes.put_time(value.integer);
      if (into.type() == PostgresType::boolean) return bytes.put_boolean(value.integer != 0);
      return bytes.put_integer(value.integer);
    case AggregateValue::Kind::real:
      return std::isnan(value.real) ? bytes.put_null() : bytes.put_real(value.real);
    case AggregateValue::Kind::text:
      return bytes.put_bytes(bounded ? bounded_text(value.text, text_limit_, made_) : postgres_text(value.text, made_));
  }
}

// The numbers of buckets [first, first + count).
Result<std::vector<int64_t>> PostgresAggregate::upsert(size_t first, size_t count) {
  std::vector<PostgresArray> values = arrays(0, columns().size());
  for (size_t bucket = first; bucket < first + count; ++bucket) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (is_distinct(columns()[i])) {
        values[i].next().put_integer(0);  // they are counted when they are in their set
      } else {
        put(values[i], aggregate_->value(bucket, i), i < keys_);
      }
    }
  }
  PostgresParameters parameters;
  for (const PostgresArray& array : values) parameters.add(array);
  LEAT_ASSIGN(PostgresRows rows, db_->query(upsert_, parameters));
  // In the order of the arrays: rows are inserted one after the other.
  std::vector<int64_t> numbers;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) break;
    numbers.push_back(rows.integer(0));
  }
  if (numbers.size() == count) return numbers;
  return Status::fatal(
      fmt::format("{}: aggregate {}: {} of {} buckets were taken; remove the triggers that were added to "
                  "its table",
                  db_->where(), quoted(spec().name), numbers.size(), count));
}

Status PostgresAggregate::apply() {
  const size_t buckets = aggregate_->buckets();
  std::vector<int64_t> numbers;
  for (size_t first = 0; first < buckets; first += kBuckets) {
    LEAT_ASSIGN(const std::vector<int64_t> some, upsert(first, std::min(kBuckets, buckets - first)));
    numbers.insert(numbers.end(), some.begin(), some.end());
  }
  for (size_t i = keys_; i < columns().size(); ++i) {
    if (is_distinct(columns()[i])) LEAT_TRY(insert_members(i, numbers));
  }
  aggregate_->committed();
  return {};
}

Status PostgresAggregate::insert_members(size_t column, const std::vector<int64_t>& numbers) {
  PostgresArray buckets(PostgresType::int8);
  PostgresArray values(postgres_type(postgres_value_type(columns()[column]), false));
  Status outcome;
  aggregate_->for_each_candidate(
      column,
      [&](size_t bucket, AggregateValue value) -> Status {
        buckets.next().put_integer(numbers[bucket]);
        put(values, value, true);
        return values.size() < kMemberBytes ? Status() : send_members(column, buckets, values);
      },
      &outcome);
  LEAT_TRY(std::move(outcome));
  return send_members(column, buckets, values);
}

Status PostgresAggregate::send_members(size_t column, PostgresArray& buckets, PostgresArray& values) {
  if (buckets.count() == 0) return {};
  const AggregateColumn& measure = columns()[column];
  PostgresParameters parameters;
  parameters.add(buckets);
  parameters.add(values);
  buckets.clear();
  values.clear();
  return db_
      ->change(fmt::format("WITH added AS (INSERT INTO {0} SELECT * FROM unnest($1::bigint[], $2::{1}) "
                           "ON CONFLICT DO NOTHING RETURNING bucket) UPDATE {2} AS a SET {3} = a.{3} + x.n FROM "
                           "(SELECT bucket, count(*) AS n FROM added GROUP BY bucket) AS x WHERE a._bucket = x.bucket",
                           name(postgres_distinct_table(spec().name, measure.name)),
                           array_of(postgres_value_type(measure)), name(spec().name), sql_name(measure.name)),
               parameters)
      .status()
      .clone();
}

Status PostgresAggregate::touch(const RecordBatch& batch, size_t first, size_t count) {
  if (!touched_) {
    LEAT_ASSIGN(touched_, Aggregate::bind(spec(), schema_));
  }
  touched_->add(batch, first, count);
  return {};
}

// Deletes buckets whose keys are NULL where `nulls` says so, and those of the arrays elsewhere: an index finds them.
Status PostgresAggregate::remove(const std::vector<bool>& nulls, const std::vector<PostgresArray>& keys) {
  std::string where = "true";
  std::string given;
  PostgresParameters parameters;
  for (size_t i = 0; i < keys_; ++i) {
    const std::string column = sql_name(columns()[i].name);
    if (nulls[i]) {
      where += fmt::format(" AND a.{} IS NULL", column);
      continue;
    }
    where += fmt::format(" AND a.{} = k.k{}", column, parameters.size());
    parameters.add(keys[i]);
    given += fmt::format("{}${}::{}", given.empty() ? "" : ", ", parameters.size(),
                         array_of(postgres_value_type(columns()[i])));
  }
  std::string names;
  for (size_t i = 0; i < parameters.size(); ++i) names += fmt::format("{}k{}", i == 0 ? "" : ", ", i);
  std::string sql = fmt::format("WITH gone AS (DELETE FROM {} AS a{} WHERE {} RETURNING a._bucket)", name(spec().name),
                                given.empty() ? "" : fmt::format(" USING unnest({}) AS k({})", given, names), where);
  size_t sets = 0;
  for (const AggregateColumn& column : columns()) {
    if (!is_distinct(column)) continue;
    sql += fmt::format(", s{} AS (DELETE FROM {} AS d USING gone WHERE d.bucket = gone._bucket)", sets++,
                       name(postgres_distinct_table(spec().name, column.name)));
  }
  return db_->query(sql + " SELECT count(*) FROM gone", parameters).status().clone();
}

Status PostgresAggregate::begin_again() {
  if (!touched_) return {};
  std::map<std::vector<bool>, std::vector<PostgresArray>> by_nulls;
  for (size_t bucket = 0; bucket < touched_->buckets(); ++bucket) {
    std::vector<bool> nulls(keys_);
    for (size_t i = 0; i < keys_; ++i) nulls[i] = touched_->value(bucket, i).kind == AggregateValue::Kind::null;
    const auto at = by_nulls.try_emplace(nulls, arrays(0, keys_)).first;
    for (size_t i = 0; i < keys_; ++i) {
      if (!nulls[i]) put(at->second[i], touched_->value(bucket, i), true);
    }
  }
  for (const auto& [nulls, keys] : by_nulls) LEAT_TRY(remove(nulls, keys));
  // What it remembers of the sets is not true any more.
  aggregate_->rolled_back();
  return {};
}

Status PostgresAggregate::readd(const RecordBatch& batch) {
  if (!touched_) return {};
  aggregate_->add_where_in(*touched_, batch, 0, batch.rows());
  readded_ += batch.rows();
  if (readded_ < kReaddRows) return {};
  readded_ = 0;
  return apply();
}

Status PostgresAggregate::end_again() {
  if (!touched_) return {};
  touched_.reset();
  readded_ = 0;
  return apply();
}

}  // namespace leat
