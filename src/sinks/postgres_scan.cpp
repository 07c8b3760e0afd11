#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/time.h"
#include "db/sql.h"
#include "os/clock.h"
#include "sinks/postgres_tables.h"

namespace leat {
namespace {

constexpr uint64_t kPieceMs = 50;
constexpr int kFirstRows = 256;  // asked for at a time; more when they came quickly
constexpr int kMostRows = 16 * 1024;

ResultCell cell_at(const StoredValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* text = std::get_if<std::string>(&value)) return std::string_view(*text);
  return std::monostate();
}

// Some of what is behind a key, as a condition with its values.
struct Segment {
  std::string condition;
  std::vector<std::pair<StoredValue, Type>> values;
};

class Scan {
 public:
  Scan(const PostgresDatabase& db, const IndexedTable& table, const ScanQuery& query, const ScanPath& path)
      : db_(db), table_(table), query_(query), path_(path) {}

  Result<ScanPiece> read(const std::optional<ScanKey>& after, const TakeRow& take) {
    const uint64_t until_ms = os::clock().steady_ms() + kPieceMs;
    std::optional<ScanKey> from = after;
    std::vector<Segment> left = segments(from);
    int rows = kFirstRows;
    while (!left.empty()) {
      uint64_t seen = 0;
      bool more = true;
      LEAT_ASSIGN(std::optional<ScanKey> at, read(left.front(), rows, take, seen, more));
      const bool full = seen == static_cast<uint64_t>(rows);
      if (at && (!more || os::clock().steady_ms() >= until_ms)) return ScanPiece{std::move(at), false};
      if (full) {
        from = std::move(at);
        left = segments(from);
        rows = std::min(rows * 4, kMostRows);
      } else {
        left.erase(left.begin());
      }
    }
    return ScanPiece{std::nullopt, true};
  }

 private:
  [[nodiscard]] Type type_of(const std::string& column) const {
    const Field* field = find_field(table_, column);
    return field == nullptr ? Type::integer : field->type;  // the row number of an aggregate
  }
  // A parameter is of the column's type.
  void add(Segment& segment, const std::string& column, const char* sign, const StoredValue& value) const {
    const std::string name = sql_name(column);
    segment.condition += segment.condition.empty() ? "" : " AND ";
    if (std::holds_alternative<std::monostate>(value)) {
      segment.condition += fmt::format("{} IS {}NULL", name, sign[0] == '>' ? "NOT " : "");
      return;
    }
    segment.values.emplace_back(value, type_of(column));
    segment.condition += fmt::format("{} {} ${}", name, sign, segment.values.size());
    const Type type = type_of(column);
    if (type == Type::time) segment.condition += "::text::timestamptz";
    if (type == Type::boolean) segment.condition += "::bigint::integer::boolean";
  }
  void add_filter(Segment& segment, size_t at) const {
    const ScanFilter& filter = query_.filters[at];
    add(segment, filter.column, sign_of(filter.compare), filter.value);
  }

  // What is behind the key, in the order of the index: first what differs from it in the last column only. NULLs come
  // first; descending, last.
  [[nodiscard]] std::vector<Segment> segments(const std::optional<ScanKey>& after) const {
    Segment start;
    for (const size_t filter : path_.equal) add_filter(start, filter);
    for (const size_t filter : path_.bounds) add_filter(start, filter);
    for (const size_t filter : path_.rest) add_filter(start, filter);
    add(start, table_.row_number, "<=", query_.last_row);
    if (!after) return {start};
    std::vector<Segment> all;
    for (size_t i = path_.keys.size(); i-- > 0;) {
      Segment segment = start;
      for (size_t k = 0; k < i; ++k) add(segment, path_.keys[k], "=", (*after)[k]);
      const std::string& column = path_.keys[i];
      const bool at_null = std::holds_alternative<std::monostate>((*after)[i]);
      if (query_.descending && at_null) continue;
      Segment nulls = segment;
      add(segment, column, query_.descending ? "<" : ">", (*after)[i]);
      all.push_back(std::move(segment));
      const bool bounded = i == 0 && !path_.bounds.empty();
      if (!query_.descending || bounded || column == table_.row_number) continue;
      add(nulls, column, "=", std::monostate());
      all.push_back(std::move(nulls));
    }
    return all;
  }

  // At most `rows` rows of a segment; the key of the last one. more: `take` wants more.
  Result<std::optional<ScanKey>> read(const Segment& segment, int rows, const TakeRow& take, uint64_t& seen,
                                      bool& more) {
    std::string columns;
    for (const std::string& column : query_.columns) columns += sql_name(column) + ", ";
    std::string order;
    for (const std::string& key : path_.keys) {
      columns += fmt::format("{}{}", sql_name(key), &key == &path_.keys.back() ? "" : ", ");
      // An index has its columns with NULLs first, and the row number, which has none, as it comes: with other words
      // here PostgreSQL would sort.
      const bool number = key == table_.row_number;
      order +=
          fmt::format("{}{}{}", order.empty() ? "" : ", ", sql_name(key),
                      query_.descending ? (number ? " DESC" : " DESC NULLS LAST") : (number ? "" : " NULLS FIRST"));
    }
    PostgresParameters parameters;
    for (const auto& [value, type] : segment.values) {
      if (const auto* integer = std::get_if<int64_t>(&value)) {
        if (type == Type::real) {
          parameters.add(static_cast<double>(*integer));
        } else {
          parameters.add(*integer);
        }
      } else if (const auto* real = std::get_if<double>(&value)) {
        parameters.add(*real);
      } else {
        parameters.add(std::get<std::string>(value));
      }
    }
    LEAT_ASSIGN(PostgresRows found, db_.query(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}", columns,
                                                          sql_name(query_.table), segment.condition, order, rows),
                                              parameters));
    std::vector<StoredValue> values(query_.columns.size());
    std::vector<ResultCell> cells(query_.columns.size());
    std::optional<ScanKey> at;
    while (more) {
      LEAT_ASSIGN(const bool row, found.step());
      if (!row) break;
      ++seen;
      for (size_t i = 0; i < cells.size(); ++i) {
        values[i] = postgres_value(found, static_cast<int>(i));
        cells[i] = cell_at(values[i]);
      }
      more = take(cells);
      at.emplace();
      for (size_t i = 0; i < path_.keys.size(); ++i) {
        at->push_back(postgres_value(found, static_cast<int>(cells.size() + i)));
      }
    }
    return at;
  }

  const PostgresDatabase& db_;
  const IndexedTable& table_;
  const ScanQuery& query_;
  const ScanPath& path_;
};

}  // namespace

StoredValue postgres_value(const PostgresRows& row, int at) {
  if (row.is_null(at)) return std::monostate();
  switch (row.type(at)) {
    case PostgresType::boolean:
    case PostgresType::int2:
    case PostgresType::int4:
    case PostgresType::int8:
      return row.integer(at);
    case PostgresType::float8: {
      const double value = row.real(at);
      return std::isnan(value) ? StoredValue() : StoredValue(value);
    }
    case PostgresType::timestamptz:
      return format_time(row.time(at));
    default:
      return row.string(at);
  }
}

Result<ScanPiece> scan_postgres(const PostgresDatabase& db, const IndexedTable& table, const ScanQuery& query,
                                const std::optional<ScanKey>& after, const TakeRow& take) {
  LEAT_ASSIGN(const ScanPath path, find_path(query, table, after));
  return Scan(db, table, query, path).read(after, take);
}

}  // namespace leat
