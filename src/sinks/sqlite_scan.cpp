#include "sinks/sqlite_scan.h"

#include <fmt/format.h>

#include <limits>

#include "base/text.h"
#include "os/clock.h"
#include "sinks/sqlite_value.h"

namespace leat {
namespace {

constexpr uint64_t kPieceMs = 50;
constexpr uint64_t kRowsBetweenLooks = 64;  // at the clock

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
  Scan(const SqliteDatabase& db, const IndexedTable& table, const ScanQuery& query, const ScanPath& path)
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
  const IndexedTable& table_;
  const ScanQuery& query_;
  const ScanPath& path_;
  uint64_t until_ms_ = 0;
  uint64_t looked_at_ = 0;
};

}  // namespace

Result<ScanPiece> scan_sqlite(const SqliteDatabase& db, const IndexedTable& table, const ScanQuery& query,
                              const std::optional<ScanKey>& after, const TakeRow& take) {
  LEAT_ASSIGN(const ScanPath path, find_path(query, table, after));
  return Scan(db, table, query, path).read(after, take);
}

}  // namespace leat
