#include "sinks/duckdb_verify.h"

#include <fmt/format.h>

#include "base/text.h"
#include "db/sql.h"
#include "sinks/duckdb_aggregates.h"
#include "sinks/duckdb_full_pull.h"
#include "sinks/duckdb_layout.h"
#include "sinks/duckdb_tables.h"
#include "sinks/verify_books.h"

namespace leat {
namespace {

std::string shown(const StoredValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  return "NULL";
}

// A table and the one that was recounted, side by side: buckets that are in one only, or differ. `keys` are the columns
// that tell rows apart, `values` the others.
class Comparison {
 public:
  struct Value {
    std::string name;  // quoted
    bool real = false;
  };
  Comparison(const DuckDb& db, const std::string& aggregate, const std::string& table, std::vector<std::string> keys,
             std::vector<Value> values)
      : db_(db), aggregate_(aggregate), table_(table), keys_(std::move(keys)), values_(std::move(values)) {}

  Status run(std::vector<std::string>& problems) const {
    const std::string helper = table_ == aggregate_ ? "" : fmt::format(", table {}", quoted(table_));
    LEAT_ASSIGN(const bool there, db_.has_table(table_));
    if (!there) {
      problems.push_back(fmt::format("aggregate {}{}: is gone", quoted(aggregate_), helper));
      return {};
    }
    LEAT_ASSIGN(DuckDbRows rows, db_.query(sql()));
    LEAT_ASSIGN(const bool differs, rows.step());
    if (!differs) return {};
    const int64_t more = rows.integer(0) - 1;
    problems.push_back(fmt::format("aggregate {}{}: {}{}", quoted(aggregate_), helper, describe(rows),
                                   more == 0 ? "" : fmt::format("; and {} more", more)));
    return {};
  }

 private:
  // count, in the recounted one, in the table, keys, then of each value that of the table and the recounted one.
  [[nodiscard]] std::string sql() const {
    std::string select = "count(*) OVER (), r.here IS NOT NULL, k.here IS NOT NULL";
    std::string same = "r.here = k.here";
    std::string differs = "r.here IS NULL OR k.here IS NULL";
    for (const std::string& key : keys_) {
      select += fmt::format(", coalesce(r.{0}, k.{0})", key);
      same += fmt::format(" AND r.{0} IS NOT DISTINCT FROM k.{0}", key);
    }
    for (const Value& value : values_) {
      select += fmt::format(", k.{0}, r.{0}", value.name);
      differs += fmt::format(" OR (k.{0} IS DISTINCT FROM r.{0}", value.name);
      // Sums of reals depend on their order in the last bits.
      if (value.real) {
        differs += fmt::format(
            " AND NOT coalesce(abs(k.{0} - r.{0}) <= 1e-9 * greatest(abs(k.{0}), abs(r.{0})), false)", value.name);
      }
      differs += ")";
    }
    const std::string table = sql_name(table_);
    return fmt::format(
        "SELECT {} FROM (SELECT *, 1 AS here FROM temp.main.{}) AS r FULL JOIN (SELECT *, 1 AS here FROM {}.{}) AS k "
        "ON "
        "{} WHERE {} LIMIT 1",
        select, table, db_.space(), table, same, differs);
  }
  [[nodiscard]] std::string describe(const DuckDbRows& row) const {
    std::string text;
    for (size_t i = 0; i < keys_.size(); ++i) {
      text += fmt::format("{}{} = {}", text.empty() ? "bucket " : ", ", visible(keys_[i]),
                          shown(duckdb_value(row, static_cast<int>(i) + 3)));
    }
    if (text.empty()) text = "its only bucket";
    if (row.integer(2) == 0) return text + ": is missing";
    if (row.integer(1) == 0) return text + ": is there, but has no rows";
    std::string values;
    for (size_t i = 0; i < values_.size(); ++i) {
      const int at = static_cast<int>(3 + keys_.size() + 2 * i);
      const StoredValue kept = duckdb_value(row, at);
      const StoredValue counted = duckdb_value(row, at + 1);
      if (kept == counted) continue;
      values += fmt::format("{}{} is {}, the rows give {}", values.empty() ? "" : ", ", visible(values_[i].name),
                            shown(kept), shown(counted));
    }
    return text + ": " + values;
  }

  const DuckDb& db_;
  const std::string& aggregate_;
  std::string table_;
  std::vector<std::string> keys_;  // quoted
  std::vector<Value> values_;
};

Status compare(const DuckDb& db, const DuckDbAggregate& aggregate, std::vector<std::string>& problems) {
  const std::string& name = aggregate.spec().name;
  std::vector<std::string> keys;
  std::vector<Comparison::Value> values;
  for (const AggregateColumn& column : aggregate.columns()) {
    if (column.key) {
      keys.push_back(sql_name(column.name));
    } else {
      values.push_back({sql_name(column.name), column.type == Type::real});
    }
  }
  LEAT_TRY(Comparison(db, name, name, keys, values).run(problems));
  for (const AggregateColumn& column : aggregate.columns()) {
    if (!is_distinct(column)) continue;
    std::vector<std::string> members;
    for (size_t i = 0; i < keys.size(); ++i) members.push_back(fmt::format("k{}", i));
    members.emplace_back("value");
    LEAT_TRY(Comparison(db, name, duckdb_distinct_table(name, column.name), members, {}).run(problems));
  }
  return {};
}

class DuckDbBooks final : public BookReader {
 public:
  explicit DuckDbBooks(const DuckDb& db) : db_(db) {}

  // The rows of a pipeline are too many to be held.
  [[nodiscard]] Result<std::unique_ptr<BookRows>> rows(const std::string& sql) const override {
    LEAT_ASSIGN(DuckDbRows found, sql.ends_with("ORDER BY _row") ? db_.stream(sql) : db_.query(sql));
    return std::unique_ptr<BookRows>(std::make_unique<BookRowsOf<DuckDbRows>>(std::move(found)));
  }
  [[nodiscard]] Result<bool> has_table(const std::string& table) const override { return db_.has_table(table); }
  [[nodiscard]] Result<WriteMode> write_mode(const std::string& pipeline) const override {
    return read_duckdb_write_mode(db_, pipeline);
  }
  [[nodiscard]] Result<uint64_t> vanished(const std::string& pipeline) const override {
    return read_duckdb_vanished(db_, pipeline);
  }
  [[nodiscard]] Result<uint64_t> different_offsets(const std::string& table, int64_t part) const override {
    const std::string rows = table.empty() ? ""
                                           : fmt::format("SELECT _offset AS place FROM {} WHERE _part = {} UNION ALL ",
                                                         sql_name(table), part);
    LEAT_ASSIGN(const int64_t count,
                db_.query_integer(fmt::format("SELECT count(DISTINCT place) FROM ({}SELECT byte_offset AS place FROM "
                                              "_leat_rejects WHERE part = {}) AS places",
                                              rows, part)));
    return static_cast<uint64_t>(count);
  }
  Status check_keys(const std::string& table, WriteMode /*mode*/, std::vector<std::string>& problems) const override {
    LEAT_ASSIGN(const std::vector<std::string> key, read_duckdb_key(db_, table));
    std::string names;
    std::string null;
    for (const std::string& column : key) {
      names += (names.empty() ? "" : ", ") + sql_name(column);
      null += fmt::format("{}{} IS NULL", null.empty() ? "" : " OR ", sql_name(column));
    }
    LEAT_ASSIGN(const int64_t nulls,
                db_.query_integer(fmt::format("SELECT count(*) FROM {} WHERE {}", sql_name(table), null)));
    if (nulls > 0) {
      problems.push_back(fmt::format("table {}: {} rows have a NULL in their key", quoted(table), nulls));
    }
    LEAT_ASSIGN(const int64_t twice,
                db_.query_integer(fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} GROUP BY {} HAVING count(*) > 1)",
                                              sql_name(table), names)));
    if (twice > 0) problems.push_back(fmt::format("table {}: {} keys are there more than once", quoted(table), twice));
    return {};
  }
  Status recount(const std::string& pipeline, const std::string& table, WriteMode /*mode*/,
                 const std::function<void(uint64_t)>& progress, std::vector<std::string>& problems) const override {
    LEAT_ASSIGN(const std::vector<AggregateSpec> specs, read_duckdb_aggregates(db_, pipeline));
    if (specs.empty()) return {};
    LEAT_ASSIGN(Schema schema, read_duckdb_schema(db_, pipeline));
    LEAT_ASSIGN(
        const auto recounted,
        DuckDbAggregates::recount(db_, table, std::make_shared<const Schema>(std::move(schema)), specs, progress));
    for (const auto& aggregate : recounted->all()) LEAT_TRY(compare(db_, *aggregate, problems));
    return {};
  }

 private:
  const DuckDb& db_;
};

}  // namespace

Result<VerifyReport> verify_duckdb(const DuckDb& db, const StoreProgress& progress) {
  return verify_books(DuckDbBooks(db), progress);
}

}  // namespace leat
