#include "sinks/duckdb_tables.h"

#include <algorithm>

#include "aggregates/aggregate.h"
#include "sinks/duckdb_layout.h"

namespace leat {
Result<std::vector<IndexedTable>> read_duckdb_tables(const DuckDb& db) {
  std::vector<IndexedTable> tables;
  LEAT_ASSIGN(DuckDbRows pipelines, db.query("SELECT pipeline, table_name FROM _leat_pipelines"));
  for (;;) {
    LEAT_ASSIGN(const bool row, pipelines.step());
    if (!row) break;
    const std::string pipeline = pipelines.string(0);
    LEAT_ASSIGN(const Schema schema, read_duckdb_schema(db, pipeline));
    IndexedTable& rows = tables.emplace_back();
    rows.shown = {pipelines.string(1), pipeline, {}};
    for (const Field& field : schema.fields) rows.shown.columns.push_back({field, !field.bytes});
    for (const char* name : {"_part", "_offset", "_row"}) {
      rows.shown.columns.push_back({{name, Type::integer, false}, false});
    }
    LEAT_ASSIGN(const WriteMode mode, read_duckdb_write_mode(db, pipeline));
    if (mode == WriteMode::merge) rows.shown.columns.push_back({{"_revision", Type::integer, false}, false});
    rows.row_number = "_row";
    rows.indexes = {{}};
    for (const Field& field : schema.fields) rows.indexes.push_back({field.name, {field.name}});
    LEAT_ASSIGN(const std::vector<AggregateSpec> specs, read_duckdb_aggregates(db, pipeline));
    for (const AggregateSpec& spec : specs) {
      LEAT_ASSIGN(const auto aggregate, Aggregate::bind(spec, schema));
      IndexedTable& table = tables.emplace_back();
      table.shown = {spec.name, pipeline, {}};
      for (const AggregateColumn& column : aggregate->columns()) {
        table.shown.columns.push_back({{column.name, column.type, false}, true});
      }
      table.row_number = "rowid";
      StoredIndex keys{"keys", {}};
      for (const AggregateColumn& column : aggregate->columns()) {
        if (column.key) keys.columns.push_back(column.name);
      }
      if (!keys.columns.empty()) table.indexes.push_back(std::move(keys));
      table.indexes.emplace_back();
      for (const TableColumn& column : table.shown.columns) {
        table.indexes.push_back({column.field.name, {column.field.name}});
      }
    }
  }
  std::sort(tables.begin(), tables.end(),
            [](const IndexedTable& a, const IndexedTable& b) { return a.shown.name < b.shown.name; });
  return tables;
}

}  // namespace leat
