#include "sinks/scan_path.h"

#include <fmt/format.h>

#include <cstddef>

#include "base/text.h"
#include "db/sql.h"

namespace leat {
namespace {

Status no_path(const ScanQuery& query, const IndexedTable& table) {
  const std::string order = table.says_nulls_first ? " NULLS FIRST" : "";
  std::string equal;
  std::string bounded;
  for (const ScanFilter& filter : query.filters) {
    std::string& first = filter.compare == Compare::equal ? equal : bounded;
    if (first.empty()) first = filter.column;
  }
  std::string second = query.order;
  if (second.empty() && equal.empty()) second = bounded;
  if (!bounded.empty() && second != bounded && equal.empty()) {
    return Status::bad_config(
        fmt::format("a range of {} cannot come in the order of {}; order it by {}, or leave the "
                    "order away",
                    quoted(bounded), quoted(second), quoted(bounded)));
  }
  std::string columns = equal;
  std::string names = equal.empty() ? "" : sql_name(equal) + order;
  if (!second.empty() && second != equal) {
    columns += (columns.empty() ? "" : ", ") + second;
    names += (names.empty() ? "" : ", ") + sql_name(second) + order;
  }
  return Status::bad_config(fmt::format(
      "table {0} has no index over {1}, without which all rows would have to be read; declare it in the pipeline file, "
      "[serve.tables.{2}] index = [\"{3}\"], and start the pipeline again, or make it: CREATE INDEX {4} ON {5}({6})",
      quoted(query.table), quoted(columns), visible(query.table), visible(columns),
      sql_name(query.table + "_by_" + (equal.empty() ? second : equal)), sql_name(query.table), names));
}

}  // namespace

const char* sign_of(Compare compare) {
  switch (compare) {
    case Compare::equal:
      return "=";
    case Compare::less:
      return "<";
    case Compare::less_or_equal:
      return "<=";
    case Compare::greater:
      return ">";
    case Compare::greater_or_equal:
      return ">=";
  }
  return "=";
}

bool is_lower_bound(Compare compare) {
  return compare == Compare::greater || compare == Compare::greater_or_equal;
}

const Field* find_field(const IndexedTable& table, const std::string& name) {
  for (const TableColumn& column : table.shown.columns) {
    if (column.field.name == name) return &column.field;
  }
  return nullptr;
}

std::optional<ScanPath> choose_path(const ScanQuery& query, const IndexedTable& table) {
  std::optional<ScanPath> best;
  size_t best_served = 0;
  for (const StoredIndex& index : table.indexes) {
    ScanPath path{index, {}, {}, {}, {}};
    bool in_order = query.order.empty();
    std::vector<bool> used(query.filters.size(), false);
    const auto take = [&](const std::string& column, bool equal, std::vector<size_t>& into) {
      for (size_t i = 0; i < query.filters.size(); ++i) {
        const ScanFilter& filter = query.filters[i];
        if (used[i] || filter.column != column || (equal && filter.compare != Compare::equal)) continue;
        used[i] = true;
        into.push_back(i);
        if (equal) return true;
      }
      return false;
    };
    size_t at = 0;
    for (; at < index.columns.size() && take(index.columns[at], true, path.equal); ++at) {
      in_order = in_order || query.order == index.columns[at];
    }
    path.keys.assign(index.columns.begin() + static_cast<std::ptrdiff_t>(at), index.columns.end());
    path.keys.push_back(table.row_number);
    take(path.keys[0], false, path.bounds);
    in_order = in_order || query.order == path.keys[0];
    const size_t served = 2 * path.equal.size() + (path.bounds.empty() ? 0 : 1);
    if (!in_order || (served == 0 && !query.filters.empty()) || (best && served <= best_served)) continue;
    for (size_t i = 0; i < used.size(); ++i) {
      if (!used[i]) path.rest.push_back(i);
    }
    best = std::move(path);
    best_served = served;
  }
  return best;
}

Result<ScanPath> find_path(const ScanQuery& query, const IndexedTable& table, const std::optional<ScanKey>& after) {
  const auto known = [&](const std::string& column) { return find_field(table, column) != nullptr; };
  const auto unknown = [&](const std::string& column) {
    return Status::bad_config(fmt::format("table {} has no column {}", quoted(query.table), quoted(column)));
  };
  for (const std::string& column : query.columns) {
    if (!known(column)) return unknown(column);
  }
  for (const ScanFilter& filter : query.filters) {
    if (!known(filter.column)) return unknown(filter.column);
  }
  if (!query.order.empty() && !known(query.order)) return unknown(query.order);
  std::optional<ScanPath> path = choose_path(query, table);
  if (!path) return no_path(query, table);
  if (after && after->size() != path->keys.size()) {
    return Status::bad_data(fmt::format("not a place in this query of table {}", quoted(query.table)));
  }
  return std::move(*path);
}

}  // namespace leat
