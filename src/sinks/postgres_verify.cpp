#include "sinks/postgres_verify.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"
#include "db/sql.h"
#include "sinks/postgres_aggregates.h"
#include "sinks/postgres_keyed_rows.h"
#include "sinks/postgres_layout.h"
#include "sinks/postgres_tables.h"
#include "sinks/verify_books.h"

namespace leat {
namespace {

// Two tables in the same order, side by side: rows are told apart by their first `keys` columns.
class SideBySide {
 public:
  SideBySide(PostgresRows recounted, PostgresRows kept, size_t keys)
      : recounted_(std::move(recounted)), kept_(std::move(kept)), keys_(keys) {}

  using Row = std::vector<StoredValue>;
  enum class What : uint8_t { missing, extra, different };
  // Calls `differs` for each row that is in one only (`other` is empty then) or differs.
  Status run(const std::function<void(What, const Row& row, const Row& other)>& differs) {
    LEAT_ASSIGN(Row recounted, next(recounted_));
    LEAT_ASSIGN(Row kept, next(kept_));
    while (!recounted.empty() || !kept.empty()) {
      const int order = recounted.empty() ? 1 : kept.empty() ? -1 : compare(recounted, kept);
      if (order < 0) differs(What::missing, recounted, {});
      if (order > 0) differs(What::extra, kept, {});
      if (order == 0 && !same(recounted, kept)) differs(What::different, kept, recounted);
      if (order <= 0) {
        LEAT_ASSIGN(recounted, next(recounted_));
      }
      if (order >= 0) {
        LEAT_ASSIGN(kept, next(kept_));
      }
    }
    return {};
  }

 private:
  static Result<Row> next(PostgresRows& rows) {
    LEAT_ASSIGN(const bool found, rows.step());
    Row row;
    for (int i = 0; found && i < rows.columns(); ++i) row.push_back(postgres_value(rows, i));
    return row;
  }
  // NULLs first, texts by their bytes: as both are ordered.
  [[nodiscard]] int compare(const Row& a, const Row& b) const {
    for (size_t i = 0; i < keys_; ++i) {
      if (a[i] < b[i]) return -1;
      if (b[i] < a[i]) return 1;
    }
    return 0;
  }
  // Sums of reals depend on their order in the last bits.
  [[nodiscard]] bool same(const Row& a, const Row& b) const {
    for (size_t i = keys_; i < a.size(); ++i) {
      const auto* x = std::get_if<double>(&a[i]);
      const auto* y = std::get_if<double>(&b[i]);
      const bool close =
          x != nullptr && y != nullptr && std::abs(*x - *y) <= 1e-9 * std::max(std::abs(*x), std::abs(*y));
      if (!close && a[i] != b[i]) return false;
    }
    return true;
  }

  PostgresRows recounted_;
  PostgresRows kept_;
  size_t keys_;
};

std::string shown(const StoredValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  return "NULL";
}

class Comparison {
 public:
  Comparison(const PostgresDatabase& db, const PostgresAggregate& recounted, std::vector<std::string>& problems)
      : db_(db), recounted_(recounted), columns_(recounted.columns()), problems_(problems) {}

  Status run() {
    LEAT_TRY(compare(recounted_.spec().name, "SELECT {1} FROM {0} AS a ORDER BY {2}", recounted_.keys()));
    for (const AggregateColumn& column : columns_) {
      if (column.key || column.measure != Measure::count_distinct) continue;
      LEAT_TRY(
          compare(postgres_distinct_table(recounted_.spec().name, column.name),
                  "SELECT {3}d.value FROM {0} AS d LEFT JOIN {4} AS a ON a._bucket = d.bucket ORDER BY {2}{5}d.value",
                  recounted_.keys() + 1));
    }
    return {};
  }

 private:
  [[nodiscard]] std::string sql(const char* pattern, const std::string& space, const std::string& table) const {
    std::string all;
    std::string keys;
    std::string order;
    for (const AggregateColumn& column : columns_) {
      const std::string name = "a." + sql_name(column.name);
      all += (all.empty() ? "" : ", ") + name;
      if (!column.key) continue;
      keys += name + ", ";
      order += (order.empty() ? "" : ", ") + name + " NULLS FIRST";
    }
    const bool without = order.empty();
    if (without && std::string_view(pattern).find("value") == std::string_view::npos) order = "1";
    return fmt::format(fmt::runtime(pattern), sql_name(space) + "." + sql_name(table), all, order, keys,
                       sql_name(space) + "." + sql_name(recounted_.spec().name), without ? "" : ", ");
  }

  Status compare(const std::string& table, const char* pattern, size_t keys) {
    const std::string& aggregate = recounted_.spec().name;
    const std::string helper = table == aggregate ? "" : fmt::format(", table {}", quoted(table));
    LEAT_ASSIGN(const bool there, db_.has_table(table));
    if (!there) {
      problems_.push_back(fmt::format("aggregate {}{}: is gone", quoted(aggregate), helper));
      return {};
    }
    LEAT_ASSIGN(PostgresRows recounted, db_.cursor(sql(pattern, "pg_temp", table)));
    LEAT_ASSIGN(PostgresRows kept, db_.cursor(sql(pattern, db_.schema(), table)));
    uint64_t count = 0;
    std::string first;
    LEAT_TRY(
        SideBySide(std::move(recounted), std::move(kept), keys).run([&](auto what, const auto& row, const auto& other) {
          if (count++ == 0) first = describe(what, row, other, keys);
        }));
    if (count == 0) return {};
    problems_.push_back(fmt::format("aggregate {}{}: {}{}", quoted(aggregate), helper, first,
                                    count == 1 ? "" : fmt::format("; and {} more", count - 1)));
    return {};
  }

  [[nodiscard]] std::string describe(SideBySide::What what, const SideBySide::Row& row, const SideBySide::Row& other,
                                     size_t keys) const {
    std::string text;
    for (size_t i = 0; i < recounted_.keys(); ++i) {
      text += fmt::format("{}{} = {}", text.empty() ? "bucket " : ", ", visible(columns_[i].name), shown(row[i]));
    }
    if (text.empty()) text = "its only bucket";
    if (keys > recounted_.keys()) text += fmt::format(": value {}", shown(row[keys - 1]));
    if (what == SideBySide::What::missing) return text + (keys > recounted_.keys() ? " is missing" : ": is missing");
    if (what == SideBySide::What::extra) {
      return text + (keys > recounted_.keys() ? " is in no row" : ": is there, but has no rows");
    }
    std::string values;
    for (size_t i = keys; i < row.size(); ++i) {
      if (row[i] == other[i]) continue;
      values += fmt::format("{}{} is {}, the rows give {}", values.empty() ? "" : ", ", visible(columns_[i].name),
                            shown(row[i]), shown(other[i]));
    }
    return text + ": " + values;
  }

  const PostgresDatabase& db_;
  const PostgresAggregate& recounted_;
  const std::vector<AggregateColumn>& columns_;
  std::vector<std::string>& problems_;
};

// The unique index that leat has made is the proof, as long as it is there and valid, for all rows that have a key.
Status verify_postgres_keys(const PostgresDatabase& db, const std::string& table, std::vector<std::string>& problems) {
  const std::string index = postgres_key_index(table);
  const std::string full_table = sql_name(db.schema()) + "." + sql_name(table);
  LEAT_ASSIGN(const int64_t valid,
              db.query_integer(fmt::format(
                  "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass({}) AND indrelid = to_regclass({}) AND "
                  "indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL",
                  sql_text(sql_name(db.schema()) + "." + sql_name(index)), sql_text(full_table))));
  if (valid != 1) {
    problems.push_back(
        fmt::format("table {}: its unique index {} is gone, not valid, or not one that keeps all rows with "
                    "the same key apart",
                    quoted(table), quoted(index)));
    return {};
  }
  LEAT_ASSIGN(const std::vector<std::string> columns, postgres_index_columns(db, index));
  std::string without;
  for (const std::string& column : columns) without += (without.empty() ? "" : " OR ") + sql_name(column) + " IS NULL";
  LEAT_ASSIGN(const int64_t nulls,
              db.query_integer(fmt::format("SELECT count(*) FROM {} WHERE {}", full_table, without)));
  if (nulls == 0) return {};
  problems.push_back(
      fmt::format("table {}: {} rows have no value in a column of the key", quoted(table), with_commas(nulls)));
  return {};
}

class PostgresBooks final : public BookReader {
 public:
  explicit PostgresBooks(const PostgresDatabase& db) : db_(db) {}

  [[nodiscard]] Result<std::unique_ptr<BookRows>> rows(const std::string& sql) const override {
    LEAT_ASSIGN(PostgresRows select, db_.cursor(sql));
    return std::unique_ptr<BookRows>(std::make_unique<BookRowsOf<PostgresRows>>(std::move(select)));
  }
  [[nodiscard]] Result<bool> has_table(const std::string& table) const override { return db_.has_table(table); }
  [[nodiscard]] Result<WriteMode> write_mode(const std::string& pipeline) const override {
    return read_postgres_write_mode(db_, pipeline);
  }
  [[nodiscard]] Result<uint64_t> vanished(const std::string& pipeline) const override {
    LEAT_ASSIGN(PostgresRows rows, db_.query("SELECT vanished FROM _leat_full_pulls WHERE pipeline = $1",
                                             PostgresParameters::of(pipeline)));
    LEAT_ASSIGN(const bool known, rows.step());
    return known ? rows.number(0) : 0;
  }
  [[nodiscard]] Result<uint64_t> different_offsets(const std::string& table, int64_t part) const override {
    const std::string rows = table.empty() ? ""
                                           : fmt::format("SELECT _offset AS place FROM {} WHERE _part = {} UNION ALL ",
                                                         sql_name(table), part);
    LEAT_ASSIGN(const int64_t different,
                db_.query_integer(
                    fmt::format("SELECT count(DISTINCT place) FROM ({}SELECT byte_offset AS place FROM _leat_rejects "
                                "WHERE part = {}) AS places",
                                rows, part)));
    return static_cast<uint64_t>(different);
  }
  Status check_keys(const std::string& table, WriteMode /*mode*/, std::vector<std::string>& problems) const override {
    return verify_postgres_keys(db_, table, problems);
  }
  Status recount(const std::string& pipeline, const std::string& table, WriteMode /*mode*/,
                 const std::function<void(uint64_t)>& progress, std::vector<std::string>& problems) const override {
    LEAT_ASSIGN(const std::vector<AggregateSpec> specs, read_postgres_aggregates(db_, pipeline));
    if (specs.empty()) return {};
    // A failure would leave the snapshot unusable: it is gone back to the savepoint.
    LEAT_TRY(db_.execute("SAVEPOINT leat_recount"));
    Status outcome = compare_all(pipeline, table, specs, progress, problems);
    LEAT_TRY(db_.execute("ROLLBACK TO leat_recount"));
    return outcome;
  }

 private:
  Status compare_all(const std::string& pipeline, const std::string& table, const std::vector<AggregateSpec>& specs,
                     const std::function<void(uint64_t)>& progress, std::vector<std::string>& problems) const {
    LEAT_ASSIGN(Schema schema, read_postgres_schema(db_, pipeline));
    LEAT_ASSIGN(
        const auto recounted,
        PostgresAggregates::recount(db_, table, std::make_shared<const Schema>(std::move(schema)), specs, progress));
    for (const auto& aggregate : recounted->all()) LEAT_TRY(Comparison(db_, *aggregate, problems).run());
    return {};
  }

  const PostgresDatabase& db_;
};

}  // namespace

Result<VerifyReport> verify_postgres(const PostgresDatabase& db, const StoreProgress& progress) {
  return verify_books(PostgresBooks(db), progress);
}

}  // namespace leat
