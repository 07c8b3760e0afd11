#include "sinks/sqlite_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "os/clock.h"
#include "sinks/sqlite_value.h"

namespace leat {
namespace {

constexpr uint64_t kPieceMs = 50;
constexpr uint64_t kRowsBetweenLooks = 64;  // at the clock

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

const Field* find_field(const SqliteTable& table, const std::string& name) {
  for (const TableColumn& column : table.shown.columns) {
    if (column.field.name == name) return &column.field;
  }
  return nullptr;
}

Status no_path(const ScanQuery& query) {
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
  std::string names = equal.empty() ? "" : sql_name(equal);
  if (!second.empty() && second != equal) {
    columns += (columns.empty() ? "" : ", ") + second;
    names += (names.empty() ? "" : ", ") + sql_name(second);
  }
  return Status::bad_config(fmt::format(
      "table {0} has no index over {1}, without which all rows would have to be read; declare it in the pipeline file, "
      "[serve.tables.{2}] index = [\"{3}\"], and start the pipeline again, or make it: CREATE INDEX {4} ON {5}({6})",
      quoted(query.table), quoted(columns), visible(query.table), visible(columns),
      sql_name(query.table + "_by_" + (equal.empty() ? second : equal)), sql_name(query.table), names));
}

// Some of what is behind a key, as a condition with its values.
struct Segment {
  std::string condition;
  std::vector<StoredValue> values;
  void add(const std::string& column, const char* sign, const StoredValue& value) {
    condition += fmt::format("{}{} {} ?", condition.empty() ? "" : " AND ", column, sign);
    values.push_back(value);
  }
};

class Scan {
 public:
  Scan(const SqliteDatabase& db, const SqliteTable& table, const ScanQuery& query, const ScanPath& path)
      : db_(db), table_(table), query_(query), path_(path) {}

  Result<ScanPiece> read(const std::optional<ScanKey>& after, const TakeRow& take) {
    until_ms_ = os::clock().steady_ms() + kPieceMs;
    for (const Segment& segment : segments(after)) {
      LEAT_ASSIGN(std::optional<ScanKey> at, read(segment, take));
      if (at) return ScanPiece{std::move(at), false};
    }
    return ScanPiece{std::nullopt, true};
  }

 private:
  [[nodiscard]] std::string name(const std::string& column) const {
    // Qualified: SQLite takes an unknown name in double quotes for a text.
    return fmt::format("{}.{}", sql_name(query_.table), sql_name(column));
  }

  void add_filter(Segment& segment, size_t at) const {
    const ScanFilter& filter = query_.filters[at];
    segment.add(name(filter.column), sign_of(filter.compare), filter.value);
  }
  // Behind a key that is within them those bounds are left out that hold there anyway: SQLite may start at either.
  void add_bounds(Segment& segment, bool behind_key) const {
    if (path_.keys[0] == table_.row_number) segment.add(name(table_.row_number), "<=", query_.last_row);
    for (const size_t at : path_.bounds) {
      const Compare compare = query_.filters[at].compare;
      const bool holds = compare != Compare::equal && is_lower_bound(compare) != query_.descending;
      if (!behind_key || !holds) add_filter(segment, at);
    }
  }

  // What every value that is not NULL is at least.
  [[nodiscard]] StoredValue lowest(const std::string& column) const {
    const Field* field = find_field(table_, column);
    if (field != nullptr && field->type != Type::boolean && field->type != Type::integer && field->type != Type::real) {
      return std::string();
    }
    return -std::numeric_limits<double>::infinity();
  }

  // What is behind the key, in the order of the index: first what differs from it in the last column only. NULLs come
  // first; descending, last.
  [[nodiscard]] std::vector<Segment> segments(const std::optional<ScanKey>& after) const {
    Segment start;
    for (const size_t filter : path_.equal) add_filter(start, filter);
    if (!after) {
      add_bounds(start, false);
      return {start};
    }
    std::vector<Segment> all;
    for (size_t i = path_.keys.size(); i-- > 0;) {
      Segment segment = start;
      for (size_t k = 0; k < i; ++k) segment.add(name(path_.keys[k]), "IS", (*after)[k]);
      const std::string column = name(path_.keys[i]);
      const bool at_null = std::holds_alternative<std::monostate>((*after)[i]);
      if (query_.descending && at_null) continue;
      Segment nulls = segment;
      if (at_null) {
        segment.add(column, ">=", lowest(path_.keys[i]));
      } else {
        segment.add(column, query_.descending ? "<" : ">", (*after)[i]);
      }
      if (i == 0) add_bounds(segment, true);
      all.push_back(std::move(segment));
      const bool bounded = i == 0 && !path_.bounds.empty();
      if (!query_.descending || bounded || path_.keys[i] == table_.row_number) continue;
      nulls.condition += fmt::format("{}{} IS NULL", nulls.condition.empty() ? "" : " AND ", column);
      all.push_back(std::move(nulls));
    }
    return all;
  }

  // The columns, the keys, and whether the row fits the rest of the filters.
  [[nodiscard]] std::string sql(const Segment& segment) const {
    std::string columns;
    for (const std::string& column : query_.columns) columns += name(column) + ", ";
    std::string order;
    for (const std::string& key : path_.keys) {
      columns += name(key) + ", ";
      order += fmt::format("{}{}{}", order.empty() ? "" : ", ", name(key), query_.descending ? " DESC" : "");
    }
    std::string fits = fmt::format("{} <= ?", name(table_.row_number));
    for (const size_t at : path_.rest) {
      fits += fmt::format(" AND {} {} ?", name(query_.filters[at].column), sign_of(query_.filters[at].compare));
    }
    return fmt::format("SELECT {}{} FROM {} {}{}{} ORDER BY {}", columns, fits, sql_name(query_.table),
                       path_.index.name.empty() ? "NOT INDEXED" : "INDEXED BY " + sql_name(path_.index.name),
                       segment.condition.empty() ? "" : " WHERE ", segment.condition, order);
  }

  // Where the piece is full; nothing: the segment has no more rows.
  Result<std::optional<ScanKey>> read(const Segment& segment, const TakeRow& take) {
    LEAT_ASSIGN(SqliteStatement select, db_.prepare(sql(segment)));
    int parameter = 0;
    select.bind(++parameter, query_.last_row);
    for (const size_t at : path_.rest) bind_value(select, ++parameter, query_.filters[at].value);
    for (const StoredValue& value : segment.values) bind_value(select, ++parameter, value);
    const int columns = static_cast<int>(query_.columns.size());
    const int keys = static_cast<int>(path_.keys.size());
    std::vector<ResultCell> cells(query_.columns.size());
    for (;;) {
      LEAT_ASSIGN(const bool found, select.step());
      if (!found) return std::optional<ScanKey>();
      bool more = ++looked_at_ % kRowsBetweenLooks != 0 || os::clock().steady_ms() < until_ms_;
      if (select.integer(columns + keys) != 0) {
        for (int i = 0; i < columns; ++i) cells[static_cast<size_t>(i)] = cell_at(select, i);
        more = take(cells) && more;
      }
      if (more) continue;
      ScanKey at;
      for (int i = columns; i < columns + keys; ++i) at.push_back(value_at(select, i));
      return std::optional<ScanKey>(std::move(at));
    }
  }

  static ResultCell cell_at(const SqliteStatement& row, int at) {
    switch (row.type(at)) {
      case SQLITE_NULL:
        return std::monostate();
      case SQLITE_INTEGER:
        return row.integer(at);
      case SQLITE_FLOAT:
        return row.real(at);
      default:
        return row.text(at);
    }
  }

  const SqliteDatabase& db_;
  const SqliteTable& table_;
  const ScanQuery& query_;
  const ScanPath& path_;
  uint64_t until_ms_ = 0;
  uint64_t looked_at_ = 0;
};

}  // namespace

std::optional<ScanPath> choose_path(const ScanQuery& query, const SqliteTable& table) {
  std::optional<ScanPath> best;
  size_t best_served = 0;
  for (const SqliteIndex& index : table.indexes) {
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

Result<ScanPiece> scan_sqlite(const SqliteDatabase& db, const SqliteTable& table, const ScanQuery& query,
                              const std::optional<ScanKey>& after, const TakeRow& take) {
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
  const std::optional<ScanPath> path = choose_path(query, table);
  if (!path) return no_path(query);
  if (after && after->size() != path->keys.size()) {
    return Status::bad_data(fmt::format("not a place in this query of table {}", quoted(query.table)));
  }
  return Scan(db, table, query, *path).read(after, take);
}

}  // namespace leat
