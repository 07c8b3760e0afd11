#include <fmt/format.h>

#include "base/text.h"
#include "sinks/sqlite_aggregates.h"
#include "sinks/sqlite_layout.h"
#include "sinks/sqlite_verify.h"

namespace leat {
namespace {

// The two tables of one aggregate side by side: `t` recounted, `m` kept.
class Comparison {
 public:
  Comparison(const SqliteDatabase& db, const KeptAggregate& recounted, std::vector<std::string>& problems)
      : db_(db), recounted_(recounted), spec_(recounted.spec()), columns_(recounted.columns()), problems_(problems) {}

  Status run() {
    LEAT_ASSIGN(const bool whole, all_there());
    if (!whole) return {};
    LEAT_TRY(buckets());
    LEAT_TRY(number_of_buckets());
    if (recounted_.counts_rows()) LEAT_TRY(rows_of_buckets());
    for (const AggregateColumn& column : columns_) {
      if (!recounted_.has_values(column)) continue;
      LEAT_TRY(members(column, true));
      LEAT_TRY(members(column, false));
    }
    return {};
  }

 private:
  void problem(const std::string& table, const std::string& what) {
    const std::string helper = table == spec_.name ? "" : fmt::format(", table {}", quoted(table));
    problems_.push_back(fmt::format("aggregate {}{}: {}", quoted(spec_.name), helper, what));
  }

  Result<bool> has(const std::string& table) {
    LEAT_ASSIGN(const bool there, db_.has_table(table));
    if (!there) problem(table, "is gone");
    return there;
  }

  Result<bool> all_there() {
    LEAT_ASSIGN(bool whole, has(spec_.name));
    bool needs_buckets = recounted_.counts_rows();
    for (const AggregateColumn& column : columns_) {
      if (!recounted_.has_values(column)) continue;
      needs_buckets = true;
      LEAT_ASSIGN(const bool there, has(distinct_table(spec_.name, column.name)));
      whole = whole && there;
    }
    if (!needs_buckets) return whole;
    LEAT_ASSIGN(const bool there, has(bucket_table(spec_.name)));
    return whole && there;
  }

  // "a.day IS b.day AND …"
  [[nodiscard]] std::string same_keys(const char* a, const char* b) const {
    std::string condition = "1";
    for (const AggregateColumn& column : columns_) {
      if (column.key) condition += fmt::format(" AND {0}.{2} IS {1}.{2}", a, b, sql_name(column.name));
    }
    return condition;
  }

  // Whether a column differs between `t` and `m`.
  static std::string differs(const AggregateColumn& column) {
    const std::string name = sql_name(column.name);
    if (column.type != Type::real) return fmt::format("t.{0} IS NOT m.{0}", name);
    // Sums of reals depend on their order in the last bits.
    return fmt::format(
        "((t.{0} IS NULL) <> (m.{0} IS NULL) OR "
        "abs(t.{0} - m.{0}) > 1e-9 * max(abs(t.{0}), abs(m.{0})))",
        name);
  }

  // The values of the keys in the columns of `row` from `at` on: "day = '2026-01-01'".
  [[nodiscard]] std::string bucket_name(const SqliteStatement& row, int at) const {
    std::string text;
    for (const AggregateColumn& column : columns_) {
      if (!column.key) break;
      text += fmt::format("{}{} = {}", text.empty() ? "bucket " : ", ", visible(column.name), cell(row, at++));
    }
    return text.empty() ? "its only bucket" : text;
  }

  static std::string cell(const SqliteStatement& row, int at) {
    if (row.is_null(at)) return "NULL";
    const int type = row.type(at);
    return type == SQLITE_INTEGER || type == SQLITE_FLOAT ? visible(row.text(at)) : quoted(row.text(at));
  }

  [[nodiscard]] std::string list(const char* from, bool keys) const {
    std::string names;
    for (const AggregateColumn& column : columns_) {
      if (column.key == keys) names += fmt::format(", {}.{}", from, sql_name(column.name));
    }
    return names;
  }

  Status buckets() {
    std::string different = "m.rowid IS NULL";
    for (const AggregateColumn& column : columns_) {
      if (!column.key) different += " OR " + differs(column);
    }
    const std::string name = sql_name(spec_.name);
    LEAT_ASSIGN(SqliteStatement recounted,
                db_.prepare(fmt::format("SELECT m.rowid{}{}{} FROM temp.{} AS t LEFT JOIN main.{} AS m ON {} WHERE {}",
                                        list("t", true), list("t", false), list("m", false), name, name,
                                        same_keys("t", "m"), different)));
    uint64_t count = 0;
    std::string first;
    for (;; ++count) {
      LEAT_ASSIGN(const bool row, recounted.step());
      if (!row) break;
      if (count == 0) first = first_difference(recounted);
    }
    if (count > 0) problem(spec_.name, with_more(first, count));

    LEAT_ASSIGN(
        SqliteStatement kept,
        db_.prepare(fmt::format("SELECT 0{} FROM main.{} AS m LEFT JOIN temp.{} AS t ON {} WHERE t.rowid IS NULL",
                                list("m", true), name, name, same_keys("m", "t"))));
    count = 0;
    for (;; ++count) {
      LEAT_ASSIGN(const bool row, kept.step());
      if (!row) break;
      if (count == 0) first = bucket_name(kept, 1) + ": is there, but has no rows";
    }
    if (count > 0) problem(spec_.name, with_more(first, count));
    return {};
  }

  static std::string with_more(const std::string& first, uint64_t count) {
    return count == 1 ? first : fmt::format("{}; and {} more", first, count - 1);
  }

  [[nodiscard]] std::string first_difference(const SqliteStatement& row) const {
    int keys = 0;
    for (const AggregateColumn& column : columns_) keys += column.key ? 1 : 0;
    std::string text = bucket_name(row, 1) + ": ";
    if (row.is_null(0)) return text + "is missing";
    const int measures = static_cast<int>(columns_.size()) - keys;
    std::string values;
    for (int i = 0; i < measures; ++i) {
      const std::string recounted = cell(row, 1 + keys + i);
      const std::string kept = cell(row, 1 + keys + measures + i);
      if (recounted == kept) continue;
      values +=
          fmt::format("{}{} is {}, the rows give {}", values.empty() ? "" : ", ",
                      visible(columns_[static_cast<size_t>(keys) + static_cast<size_t>(i)].name), kept, recounted);
    }
    return text + values;
  }

  // Buckets whose keys hold NULL could be there twice without any of the above seeing it.
  Status number_of_buckets() {
    LEAT_ASSIGN(const int64_t kept, db_.query_integer("SELECT count(*) FROM main." + sql_name(spec_.name)));
    LEAT_ASSIGN(const int64_t recounted, db_.query_integer("SELECT count(*) FROM temp." + sql_name(spec_.name)));
    if (kept != recounted) problem(spec_.name, fmt::format("{} buckets, the rows give {}", kept, recounted));
    return {};
  }

  // The helper of an aggregate of rows that change: how many rows each bucket has, and its sums.
  Status rows_of_buckets() {
    const std::string bucket = sql_name(bucket_table(spec_.name));
    std::string different = "m.bucket IS NULL OR m.rows <> t.rows";
    for (const AggregateColumn& column : columns_) {
      if (column.key || column.measure != Measure::sum) continue;
      const std::string sum = sql_name("sum_" + column.name);
      // The same sum may be held by other doubles; how many values it is of is always the same.
      different += fmt::format(" OR substr(m.{0}, 1, 24) IS NOT substr(t.{0}, 1, 24)", sum);
    }
    LEAT_ASSIGN(SqliteStatement select,
                db_.prepare(fmt::format("SELECT 0{} FROM temp.{} AS t LEFT JOIN main.{} AS m ON {} WHERE {}",
                                        list("t", true), bucket, bucket, same_keys("t", "m"), different)));
    uint64_t count = 0;
    std::string first;
    for (;; ++count) {
      LEAT_ASSIGN(const bool row, select.step());
      if (!row) break;
      if (count == 0) first = bucket_name(select, 1) + ": what it is counted from does not fit the rows";
    }
    if (count > 0) problem(bucket_table(spec_.name), with_more(first, count));
    LEAT_ASSIGN(const int64_t kept, db_.query_integer("SELECT count(*) FROM main." + bucket));
    LEAT_ASSIGN(const int64_t recounted, db_.query_integer("SELECT count(*) FROM temp." + bucket));
    if (kept != recounted) {
      problem(bucket_table(spec_.name), fmt::format("{} buckets, the rows give {}", kept, recounted));
    }
    return {};
  }

  // missing: values that the rows have and the set has not; else the other way round.
  Status members(const AggregateColumn& column, bool missing) {
    const std::string table = distinct_table(spec_.name, column.name);
    const std::string set = sql_name(table);
    const std::string bucket = sql_name(bucket_table(spec_.name));
    const char* here = missing ? "temp" : "main";
    const char* there = missing ? "main" : "temp";
    LEAT_ASSIGN(
        SqliteStatement select,
        db_.prepare(fmt::format("SELECT a.value{} FROM {}.{} AS a LEFT JOIN {}.{} AS ak ON ak.bucket = a.bucket "
                                "LEFT JOIN {}.{} AS bk ON {} LEFT JOIN {}.{} AS b ON b.bucket = bk.bucket AND "
                                "b.value = a.value WHERE ak.bucket IS NULL OR b.bucket IS NULL{}",
                                list("ak", true), here, set, here, bucket, there, bucket, same_keys("ak", "bk"), there,
                                set, missing && recounted_.counts_rows() ? " OR b.rows <> a.rows" : "")));
    uint64_t count = 0;
    std::string first;
    for (;; ++count) {
      LEAT_ASSIGN(const bool row, select.step());
      if (!row) break;
      if (count == 0) first = fmt::format("{}: value {}", bucket_name(select, 1), cell(select, 0));
    }
    if (count == 0) return {};
    problem(table, fmt::format("{} {}{}", first,
                               !missing                   ? "is in no row"
                               : recounted_.counts_rows() ? "is missing, or counted wrongly"
                                                          : "is missing",
                               count == 1 ? "" : fmt::format("; and {} more", count - 1)));
    return {};
  }

  const SqliteDatabase& db_;
  const KeptAggregate& recounted_;
  const AggregateSpec& spec_;
  const std::vector<AggregateColumn>& columns_;
  std::vector<std::string>& problems_;
};

}  // namespace

Status verify_sqlite_aggregates(const SqliteDatabase& db, const std::string& pipeline, const std::string& table,
                                WriteMode mode, const std::function<void(uint64_t)>& progress,
                                std::vector<std::string>& problems) {
  LEAT_ASSIGN(const std::vector<AggregateSpec> specs, read_sqlite_aggregates(db, pipeline));
  if (specs.empty()) return {};
  LEAT_ASSIGN(Schema schema, read_sqlite_schema(db, pipeline));
  LEAT_ASSIGN(
      const auto recounted,
      SqliteAggregates::recount(db, table, std::make_shared<const Schema>(std::move(schema)), specs, mode, progress));
  for (const auto& aggregate : recounted->tables()) LEAT_TRY(Comparison(db, *aggregate, problems).run());
  return {};
}

}  // namespace leat
