#include "sinks/duckdb_aggregate.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"
#include "db/sql.h"
#include "sinks/duckdb_rows.h"

namespace leat {
namespace {

constexpr uint64_t kReaddRows = 128 * 1024;
constexpr const char* kNewMembers = "temp._leat_new_members";

// json is kept as text: it has no order.
Type stored(Type type) {
  return type == Type::json ? Type::text : type;
}

// What a measure of the row `a` becomes when that of the row `b` is added to it; NULL stays out of it.
std::string added(const AggregateColumn& column) {
  const std::string name = sql_name(column.name);
  std::string a = "a." + name;
  const std::string b = "b." + name;
  switch (column.measure) {
    case Measure::count:
    case Measure::count_distinct:
      return fmt::format("{} + {}", a, b);
    case Measure::sum:
      // Held at the limits of the type, where DuckDB would refuse.
      if (column.type == Type::integer) {
        return fmt::format(
            "CASE WHEN {0} IS NULL THEN {1} WHEN {1} IS NULL THEN {0} ELSE greatest(least({0}::HUGEINT + {1}, "
            "9223372036854775807), -9223372036854775808)::BIGINT END",
            a, b);
      }
      return fmt::format(
          "nullif(CASE WHEN {0} IS NULL THEN {1} WHEN {1} IS NULL THEN {0} "
          "WHEN {1} > 0 AND {0} > 1.7976931348623157e308 - {1} THEN 'inf'::DOUBLE "
          "WHEN {1} < 0 AND {0} < -1.7976931348623157e308 - {1} THEN '-inf'::DOUBLE ELSE {0} + {1} END, "
          "'nan'::DOUBLE)",
          a, b);
    case Measure::min:
      return fmt::format("least({}, {})", a, b);
    case Measure::max:
      return fmt::format("greatest({}, {})", a, b);
  }
  return a;
}

// One cell of the row that is free.
void put(DuckDbAppender& into, size_t column, Type type, const AggregateValue& value, std::string& made) {
  switch (value.kind) {
    case AggregateValue::Kind::null:
      return into.set_null(column, 0);
    case AggregateValue::Kind::integer:
      if (type == Type::boolean) {
        into.cells<bool>(column)[0] = value.integer != 0;
      } else {
        into.cells<int64_t>(column)[0] = value.integer;
      }
      return;
    case AggregateValue::Kind::real:
      if (std::isnan(value.real)) return into.set_null(column, 0);
      into.cells<double>(column)[0] = value.real;
      return;
    case AggregateValue::Kind::text:
      return into.set_text(column, 0, duckdb_text(value.text, made));
  }
}

}  // namespace

bool is_distinct(const AggregateColumn& column) {
  return !column.key && column.measure == Measure::count_distinct;
}

std::string duckdb_distinct_table(const std::string& aggregate, const std::string& measure) {
  return "_leat_distinct_" + aggregate + "_" + measure;
}

Result<std::unique_ptr<DuckDbAggregate>> DuckDbAggregate::make(const DuckDb& db, const AggregateSpec& spec,
                                                               const Schema& schema, const std::string& space,
                                                               bool create) {
  std::unique_ptr<DuckDbAggregate> made(new DuckDbAggregate(db, schema, space));
  LEAT_ASSIGN(made->aggregate_, Aggregate::bind(spec, schema));
  for (const AggregateColumn& column : made->columns()) made->keys_ += column.key ? 1 : 0;
  if (create) LEAT_TRY(made->create_tables());
  return made;
}

std::string DuckDbAggregate::name(const std::string& table) const {
  return space_ + "." + sql_name(table);
}

// That two rows are of the same bucket; those of `b` are k0, k1 …
std::string DuckDbAggregate::same_keys(const char* a, const char* b) const {
  std::string all = "true";
  for (size_t i = 0; i < keys_; ++i) {
    all += fmt::format(" AND {}.{} IS NOT DISTINCT FROM {}.k{}", a,
                       *a == 'a' ? sql_name(columns()[i].name) : fmt::format("k{}", i), b, i);
  }
  return all;
}

std::vector<DuckDbColumn> DuckDbAggregate::key_columns() const {
  std::vector<DuckDbColumn> all;
  for (size_t i = 0; i < keys_; ++i) all.push_back({fmt::format("k{}", i), stored(columns()[i].type)});
  return all;
}

Status DuckDbAggregate::create_tables() const {
  std::string typed;
  std::string keys;
  for (const AggregateColumn& column : columns()) {
    const char* type = duckdb_type_name(is_distinct(column) ? Type::integer : stored(column.type), false);
    typed += fmt::format("{}{} {}", typed.empty() ? "" : ", ", sql_name(column.name), type);
  }
  for (const DuckDbColumn& key : key_columns()) {
    keys += fmt::format("{} {}, ", key.name, duckdb_type_name(key.type, false));
  }
  const char* make = space_ == "temp.main" ? "CREATE TEMP TABLE" : "CREATE TABLE";
  LEAT_TRY(db_->execute(fmt::format("{} {}({})", make, sql_name(spec().name), typed)));
  for (const AggregateColumn& column : columns()) {
    if (!is_distinct(column)) continue;
    LEAT_TRY(
        db_->execute(fmt::format("{} {}({}value {})", make, sql_name(duckdb_distinct_table(spec().name, column.name)),
                                 keys, duckdb_type_name(stored(column.argument), false))));
  }
  return {};
}

Status DuckDbAggregate::apply() {
  if (aggregate_->buckets() == 0) return {};
  LEAT_TRY(merge());
  for (size_t i = keys_; i < columns().size(); ++i) {
    if (is_distinct(columns()[i])) LEAT_TRY(insert_members(i));
  }
  aggregate_->committed();
  return {};
}

// The changed buckets go into the table; distinct values are counted when they are in their set.
Status DuckDbAggregate::merge() {
  std::vector<DuckDbColumn> given = key_columns();
  std::string names;
  std::string values;
  std::string set;
  for (size_t i = 0; i < columns().size(); ++i) {
    const AggregateColumn& column = columns()[i];
    const std::string quoted_name = sql_name(column.name);
    names += (names.empty() ? "" : ", ") + quoted_name;
    values += (values.empty() ? "" : ", ") + (i < keys_ ? fmt::format("b.k{}", i) : "b." + quoted_name);
    if (column.key) continue;
    given.push_back({column.name, is_distinct(column) ? Type::integer : stored(column.type)});
    set += fmt::format("{}{} = {}", set.empty() ? "" : ", ", quoted_name, added(column));
  }
  LEAT_ASSIGN(
      const auto rows,
      DuckDbAppender::query(*db_,
                            fmt::format("MERGE INTO {} AS a USING rows AS b ON {}{} WHEN NOT MATCHED THEN "
                                        "INSERT ({}) VALUES({})",
                                        name(spec().name), same_keys("a", "b"),
                                        set.empty() ? "" : " WHEN MATCHED THEN UPDATE SET " + set, names, values),
                            given));
  std::string made;
  for (size_t bucket = 0; bucket < aggregate_->buckets(); ++bucket) {
    LEAT_TRY(rows->make_room());
    for (size_t i = 0; i < columns().size(); ++i) {
      if (is_distinct(columns()[i])) {
        rows->cells<int64_t>(i)[0] = 0;
      } else {
        put(*rows, i, given[i].type, aggregate_->value(bucket, i), made);
      }
    }
    rows->add_rows(1);
  }
  return rows->flush();
}

Status DuckDbAggregate::insert_members(size_t column) {
  const AggregateColumn& measure = columns()[column];
  const std::string set = name(duckdb_distinct_table(spec().name, measure.name));
  std::vector<DuckDbColumn> given = key_columns();
  std::string typed;
  for (const DuckDbColumn& key : given) {
    typed += fmt::format("{} {}, ", key.name, duckdb_type_name(key.type, false));
  }
  given.push_back({"value", stored(measure.argument)});
  LEAT_TRY(db_->execute(fmt::format("CREATE OR REPLACE TEMP TABLE _leat_new_members({}value {})", typed,
                                    duckdb_type_name(given.back().type, false))));
  {
    LEAT_ASSIGN(const auto rows, DuckDbAppender::query(
                                     *db_,
                                     fmt::format("INSERT INTO {} SELECT b.* FROM rows AS b ANTI JOIN {} AS d ON {} AND "
                                                 "d.value = b.value",
                                                 kNewMembers, set, same_keys("d", "b")),
                                     given));
    Status outcome;
    std::string made;
    aggregate_->for_each_candidate(
        column,
        [&](size_t bucket, AggregateValue value) -> Status {
          LEAT_TRY(rows->make_room());
          for (size_t i = 0; i < keys_; ++i) put(*rows, i, given[i].type, aggregate_->value(bucket, i), made);
          put(*rows, keys_, given[keys_].type, value, made);
          rows->add_rows(1);
          return {};
        },
        &outcome);
    LEAT_TRY(std::move(outcome));
    LEAT_TRY(rows->flush());
  }
  LEAT_TRY(db_->execute(fmt::format("INSERT INTO {} SELECT * FROM {}", set, kNewMembers)));
  return db_->execute(fmt::format(
      "UPDATE {0} AS a SET {1} = a.{1} + b.n FROM (SELECT * EXCLUDE (value), count(*) AS n FROM (SELECT 0 AS "
      "_one, * FROM {2}) GROUP BY ALL) AS b WHERE {3}",
      name(spec().name), sql_name(measure.name), kNewMembers, same_keys("a", "b")));
}

Status DuckDbAggregate::touch(const RecordBatch& batch, size_t first, size_t count) {
  if (!touched_) {
    LEAT_ASSIGN(touched_, Aggregate::bind(spec(), schema_));
  }
  touched_->add(batch, first, count);
  return {};
}

Status DuckDbAggregate::begin_again() {
  if (!touched_) return {};
  std::vector<std::pair<std::string, const char*>> tables = {{name(spec().name), "a"}};
  for (const AggregateColumn& column : columns()) {
    if (is_distinct(column)) tables.emplace_back(name(duckdb_distinct_table(spec().name, column.name)), "d");
  }
  for (const auto& [table, alias] : tables) {
    std::vector<DuckDbColumn> given = key_columns();
    given.push_back({"one", Type::integer});
    LEAT_ASSIGN(const auto rows, DuckDbAppender::query(*db_,
                                                       fmt::format("DELETE FROM {} AS {} USING rows AS b WHERE {}",
                                                                   table, alias, same_keys(alias, "b")),
                                                       given));
    std::string made;
    for (size_t bucket = 0; bucket < touched_->buckets(); ++bucket) {
      LEAT_TRY(rows->make_room());
      for (size_t i = 0; i < keys_; ++i) put(*rows, i, given[i].type, touched_->value(bucket, i), made);
      rows->cells<int64_t>(keys_)[0] = 1;
      rows->add_rows(1);
    }
    LEAT_TRY(rows->flush());
  }
  // What it remembers of the sets is not true any more.
  aggregate_->rolled_back();
  return {};
}

Status DuckDbAggregate::readd(const RecordBatch& batch) {
  if (!touched_) return {};
  aggregate_->add_where_in(*touched_, batch, 0, batch.rows());
  readded_ += batch.rows();
  if (readded_ < kReaddRows) return {};
  readded_ = 0;
  return apply();
}

Status DuckDbAggregate::end_again() {
  if (!touched_) return {};
  touched_.reset();
  readded_ = 0;
  return apply();
}

}  // namespace leat
