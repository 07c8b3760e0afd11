#include "sinks/bigquery_merge.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_at.h"
#include "base/text.h"
#include "sinks/bigquery_partitions.h"
#include "sinks/bigquery_rows.h"
#include "sinks/keyed_rows.h"

namespace leat {
namespace {

std::string name_in(std::string_view column) {
  return fmt::format("`{}`", column);
}

// "a, b" of `make` of each name.
template <typename Make>
std::string listed(const std::vector<std::string>& names, std::string_view between, Make make) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : std::string(between)) + make(name);
  return out;
}

std::vector<std::string> names_of(const std::string& fields) {
  const JsonView all = JsonView::parse("{" + fields + "}").at("fields");
  std::vector<std::string> names;
  for (size_t i = 0; i < all.size(); ++i) names.push_back(all.at(i).at("name").text().value_or(""));
  return names;
}

std::string newest_of(const BigQueryKey& key, std::string_view table) {
  const std::string column = fmt::format("{}{}", table, name_in(key.newest));
  return key.newest_is_real ? fmt::format("CASE WHEN IS_NAN({0}) THEN NULL ELSE {0} END", column) : column;
}

}  // namespace

Result<BigQueryKey> find_bigquery_key(const SinkPlan& plan, const std::string& partition_by) {
  BigQueryKey key;
  if (plan.mode != WriteMode::merge && plan.mode != WriteMode::ignore) return key;
  LEAT_ASSIGN(const KeyColumns columns, find_key("BigQuery", plan));
  for (const size_t c : columns.key) {
    const Field& field = plan.schema->fields[c];
    if (field.type == Type::json || field.type == Type::real) {
      return Status::bad_config(
          fmt::format("BigQuery: table {}: column {} cannot belong to the key: it holds {}; cast it to text",
                      quoted(plan.table), quoted(field.name), field.type == Type::json ? "json" : "reals"));
    }
    key.columns.push_back(bigquery_name(field.name));
    if (key.columns.back() == partition_by) key.partition = partition_by;
  }
  key.takes_over = plan.mode == WriteMode::merge;
  if (!columns.newest) return key;
  const Field& newest = plan.schema->fields[*columns.newest];
  key.newest = bigquery_name(newest.name);
  key.newest_is_real = newest.type == Type::real;
  return key;
}

std::string staged_fields(const std::string& fields) {
  return fmt::format(R"({},{{"name":"{}","type":"INT64"}}])", fields.substr(0, fields.size() - 1), kBigQueryLine);
}

std::string bounds_query(const std::string& staged, const BigQueryKey& key) {
  const std::string column = name_in(key.partition);
  return fmt::format("SELECT UNIX_MICROS(MIN({0})) AS first, UNIX_MICROS(MAX({0})) AS last FROM `{1}`", column, staged);
}

std::string merge_statement(const std::string& table, const std::string& staged, const std::string& fields,
                            const BigQueryKey& key, const std::optional<BigQueryBounds>& bounds) {
  const std::vector<std::string> columns = names_of(fields);
  // Of the rows with one key: with merge the newest, of equally new ones the last; with ignore the first.
  std::string order = key.newest.empty() ? "" : newest_of(key, "") + " DESC, ";
  order += fmt::format("{} {}", kBigQueryLine, key.takes_over ? "DESC" : "ASC");
  std::string sql = fmt::format(
      "MERGE `{}` AS t USING (SELECT * FROM `{}` WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY {} ORDER BY {}) = "
      "1) AS s ON {}",
      table, staged, listed(key.columns, ", ", name_in), order,
      listed(key.columns, " AND ", [](const std::string& name) { return fmt::format("t.`{0}` = s.`{0}`", name); }));
  if (bounds) {
    sql += fmt::format(" AND t.{} BETWEEN {} AND {}", name_in(key.partition), bigquery_timestamp(bounds->first),
                       bigquery_timestamp(bounds->second));
  }
  if (key.takes_over) {
    sql += " WHEN MATCHED";
    if (!key.newest.empty()) {
      const std::string was = newest_of(key, "t.");
      sql += fmt::format(" AND ({} >= {} OR {} IS NULL)", newest_of(key, "s."), was, was);
    }
    sql += " THEN UPDATE SET " +
           listed(columns, ", ", [](const std::string& name) { return fmt::format("`{0}` = s.`{0}`", name); });
  }
  return sql + fmt::format(" WHEN NOT MATCHED THEN INSERT ({}) VALUES ({})", listed(columns, ", ", name_in),
                           listed(columns, ", ", [](const std::string& name) { return "s." + name_in(name); }));
}

std::string doubled_keys_query(const std::string& table, const std::vector<std::string>& key) {
  const std::string names = listed(key, ", ", name_in);
  return fmt::format(
      "SELECT COUNT(*) AS n FROM (SELECT {0}, COUNT(*) AS n FROM `{1}` GROUP BY {0} HAVING COUNT(*) > 1)", names,
      table);
}

}  // namespace leat
