#include "sinks/postgres_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "aggregates/aggregate.h"
#include "base/text.h"
#include "db/sql.h"
#include "sinks/postgres_layout.h"

namespace leat {
namespace {

// Those that hold all rows, in the order in which leat makes them: ascending, NULLs first; the row number at the end of
// one is left out.
Result<std::vector<StoredIndex>> read_indexes(const PostgresDatabase& db, const std::string& table,
                                              const std::string& row_number) {
  LEAT_ASSIGN(PostgresRows rows,
              db.query("SELECT c.relname::text, a.attname::text, i.indoption[k.n - 1] & 3 = 2 FROM pg_index AS i JOIN "
                       "pg_class AS c ON c.oid = i.indexrelid "
                       "JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_namespace AS s ON s.oid = t.relnamespace "
                       "CROSS JOIN LATERAL generate_series(1, i.indnkeyatts) AS k(n) LEFT JOIN pg_attribute AS a ON "
                       "a.attrelid = t.oid AND a.attnum = i.indkey[k.n - 1] AND a.attnum > 0 "
                       "WHERE s.nspname = $1 AND t.relname = $2 AND i.indpred IS NULL AND i.indisvalid ORDER BY 1, k.n",
                       PostgresParameters::of(db.schema(), table)));
  std::vector<StoredIndex> all;
  std::string done;  // what else this index has is of no use
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return all;
    const std::string name = rows.string(0);
    if (name == done) continue;
    if (all.empty() || all.back().name != name) all.push_back({name, {}});
    const bool usable = !rows.is_null(1) && rows.integer(2) != 0;
    if (usable && rows.text(1) != row_number) {
      all.back().columns.push_back(rows.string(1));
      continue;
    }
    done = name;
    if (!usable || all.back().columns.empty()) all.pop_back();
  }
}

}  // namespace

Status make_postgres_indexes(const PostgresDatabase& db, const std::vector<TableIndex>& indexes, const Note& note) {
  for (const TableIndex& wanted : indexes) {
    std::string columns;
    LEAT_ASSIGN(const int64_t is_aggregate,
                db.query_integer("SELECT count(*) FROM _leat_aggregates WHERE aggregate = " + sql_text(wanted.table)));
    const std::string row_number = is_aggregate > 0 ? "_bucket" : "_row";
    for (const std::string& column : wanted.columns) {
      LEAT_ASSIGN(
          PostgresRows found,
          db.query("SELECT 1::bigint FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT "
                   "attisdropped",
                   PostgresParameters::of(sql_name(wanted.table), column)));
      LEAT_ASSIGN(const bool there, found.step());
      if (!there) {
        return Status::bad_config(fmt::format("{}: no index can be made for [serve]: table {} has no column {}",
                                              db.where(), quoted(wanted.table), quoted(column)));
      }
      columns += sql_name(column) + " NULLS FIRST, ";
    }
    LEAT_ASSIGN(const std::vector<StoredIndex> there, read_indexes(db, wanted.table, row_number));
    const bool served = std::any_of(there.begin(), there.end(), [&](const StoredIndex& index) {
      return index.columns.size() >= wanted.columns.size() &&
             std::equal(wanted.columns.begin(), wanted.columns.end(), index.columns.begin());
    });
    if (served) continue;
    const std::string name = postgres_short_name(wanted.table + "_by_" + join(wanted.columns, "_"));
    note(NoteLevel::info, fmt::format("{}: makes the index {}", db.where(), quoted(name)));
    Status made = db.execute(
        fmt::format("CREATE INDEX {} ON {}({}{})", sql_name(name), sql_name(wanted.table), columns, row_number));
    if (made.kind() == Kind::bad_data) {
      return Status::bad_config(fmt::format("{}; it is the index over {} that [serve] asks for", made.message(),
                                            quoted(join(wanted.columns, ", "))));
    }
    LEAT_TRY(std::move(made));
  }
  return {};
}

Result<std::vector<IndexedTable>> read_postgres_tables(const PostgresDatabase& db) {
  std::vector<IndexedTable> tables;
  LEAT_ASSIGN(PostgresRows pipelines, db.query("SELECT pipeline, table_name FROM _leat_pipelines"));
  for (;;) {
    LEAT_ASSIGN(const bool row, pipelines.step());
    if (!row) break;
    const std::string pipeline = pipelines.string(0);
    LEAT_ASSIGN(const Schema schema, read_postgres_schema(db, pipeline));
    IndexedTable& rows = tables.emplace_back();
    rows.shown = {pipelines.string(1), pipeline, {}};
    for (const Field& field : schema.fields) rows.shown.columns.push_back({field, !field.bytes});
    for (const char* name : {"_part", "_offset", "_row"}) {
      rows.shown.columns.push_back({{name, Type::integer, false}, false});
    }
    rows.row_number = "_row";
    rows.says_nulls_first = true;
    rows.indexes = {{}};
    LEAT_ASSIGN(const std::vector<AggregateSpec> specs, read_postgres_aggregates(db, pipeline));
    for (const AggregateSpec& spec : specs) {
      LEAT_ASSIGN(const auto aggregate, Aggregate::bind(spec, schema));
      IndexedTable& table = tables.emplace_back();
      table.shown = {spec.name, pipeline, {}};
      for (const AggregateColumn& column : aggregate->columns()) {
        table.shown.columns.push_back({{column.name, column.type, false}, true});
      }
      table.row_number = "_bucket";
      table.says_nulls_first = true;
    }
  }
  std::sort(tables.begin(), tables.end(),
            [](const IndexedTable& a, const IndexedTable& b) { return a.shown.name < b.shown.name; });
  for (IndexedTable& table : tables) {
    LEAT_ASSIGN(const std::vector<StoredIndex> indexes, read_indexes(db, table.shown.name, table.row_number));
    const bool by_number = !table.indexes.empty();
    table.indexes.insert(table.indexes.end(), indexes.begin(), indexes.end());
    if (by_number) continue;
    // An aggregate's own order is that of its keys; one without keys has one row.
    std::stable_partition(table.indexes.begin(), table.indexes.end(),
                          [](const StoredIndex& index) { return index.name.starts_with("_leat_key_"); });
    table.indexes.insert(table.indexes.begin() + (table.indexes.empty() ? 0 : 1), StoredIndex());
  }
  return tables;
}

}  // namespace leat
