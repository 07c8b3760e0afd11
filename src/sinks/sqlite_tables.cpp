#include <fmt/format.h>

#include <algorithm>

#include "aggregates/aggregate.h"
#include "base/text.h"
#include "sinks/sqlite_layout.h"
#include "sinks/sqlite_rows.h"
#include "sinks/sqlite_scan.h"

namespace leat {
namespace {

// The row number has three names, unless columns bear them.
std::string row_number_of(const StoredTable& table) {
  for (const char* name : {"rowid", "oid"}) {
    const bool taken = std::any_of(table.columns.begin(), table.columns.end(),
                                   [&](const TableColumn& column) { return lower_case(column.field.name) == name; });
    if (!taken) return name;
  }
  return "_rowid_";
}

// Those that hold all rows, in the plain order of their columns.
Result<std::vector<StoredIndex>> read_indexes(const SqliteDatabase& db, const std::string& table) {
  LEAT_ASSIGN(SqliteStatement select, db.prepare("SELECT l.name, x.cid, x.\"desc\" = 0 AND x.coll = 'BINARY', x.name "
                                                 "FROM pragma_index_list(?) AS l, pragma_index_xinfo(l.name) AS x "
                                                 "WHERE NOT l.partial AND x.key ORDER BY l.name, x.seqno"));
  select.with(std::string_view(table));
  constexpr int64_t kRowNumber = -1;  // cid; -2: an expression
  std::vector<StoredIndex> all;
  std::string done;  // what else this index has is of no use
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) break;
    const std::string name = select.string(0);
    if (name == done) continue;
    if (all.empty() || all.back().name != name) all.push_back({name, {}});
    if (select.integer(1) >= 0 && select.integer(2) != 0) {
      all.back().columns.push_back(select.string(3));
      continue;
    }
    if (select.integer(1) != kRowNumber || select.integer(2) == 0) all.pop_back();
    done = name;
  }
  return all;
}

}  // namespace

Status make_sqlite_indexes(const SqliteDatabase& db, const std::vector<TableIndex>& indexes, const Note& note) {
  for (const TableIndex& wanted : indexes) {
    std::string columns;
    for (const std::string& column : wanted.columns) {
      // SQLite takes an unknown name in double quotes for a text.
      LEAT_ASSIGN(const int64_t found, db.query_integer(fmt::format(
                                           "SELECT count(*) FROM pragma_table_info({}) WHERE name = {} COLLATE NOCASE",
                                           sql_text(wanted.table), sql_text(column))));
      if (found == 0) {
        return Status::bad_config(fmt::format("{}: no index can be made for [serve]: table {} has no column {}",
                                              db.where(), quoted(wanted.table), quoted(column)));
      }
      columns += (columns.empty() ? "" : ", ") + sql_name(column);
    }
    LEAT_ASSIGN(const std::vector<StoredIndex> there, read_indexes(db, wanted.table));
    const bool served = std::any_of(there.begin(), there.end(), [&](const StoredIndex& index) {
      return index.columns.size() >= wanted.columns.size() &&
             std::equal(wanted.columns.begin(), wanted.columns.end(), index.columns.begin());
    });
    if (served) continue;
    const std::string name = wanted.table + "_by_" + join(wanted.columns, "_");
    note(NoteLevel::info, fmt::format("{}: makes the index {}", db.where(), quoted(name)));
    LEAT_TRY(db.execute(fmt::format("CREATE INDEX {} ON {}({})", sql_name(name), sql_name(wanted.table), columns)));
  }
  return {};
}

Result<const std::vector<IndexedTable>*> SqliteTables::all() {
  LEAT_ASSIGN(const int64_t version, db_.query_integer("PRAGMA schema_version"));
  if (version == version_) return &tables_;
  version_ = -1;
  tables_.clear();
  LEAT_ASSIGN(SqliteStatement select,
              db_.prepare("SELECT pipeline, table_name, write_mode = 'merge' FROM _leat_pipelines"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) break;
    const std::string pipeline = select.string(0);
    LEAT_ASSIGN(const Schema schema, read_sqlite_schema(db_, pipeline));
    IndexedTable& rows = tables_.emplace_back();
    rows.shown = {select.string(1), pipeline, {}};
    for (const Field& field : schema.fields) rows.shown.columns.push_back({field, !field.bytes});
    for (const char* name : {"_part", "_offset", "_row"}) {
      rows.shown.columns.push_back({{name, Type::integer, false}, false});
    }
    if (select.integer(2) != 0) rows.shown.columns.push_back({{"_revision", Type::integer, false}, false});
    rows.row_number = "_row";
    rows.indexes = {{}};
    LEAT_ASSIGN(const std::vector<AggregateSpec> specs, read_sqlite_aggregates(db_, pipeline));
    for (const AggregateSpec& spec : specs) {
      LEAT_ASSIGN(const auto aggregate, Aggregate::bind(spec, schema));
      IndexedTable& table = tables_.emplace_back();
      table.shown = {spec.name, pipeline, {}};
      for (const AggregateColumn& column : aggregate->columns()) {
        table.shown.columns.push_back({{column.name, column.type, false}, true});
      }
      table.row_number = row_number_of(table.shown);
    }
  }
  std::sort(tables_.begin(), tables_.end(),
            [](const IndexedTable& a, const IndexedTable& b) { return a.shown.name < b.shown.name; });
  for (IndexedTable& table : tables_) {
    LEAT_ASSIGN(const std::vector<StoredIndex> indexes, read_indexes(db_, table.shown.name));
    const bool by_number = !table.indexes.empty();
    table.indexes.insert(table.indexes.end(), indexes.begin(), indexes.end());
    if (by_number) continue;
    // An aggregate's own order is that of its keys; one without keys has one row.
    std::stable_partition(table.indexes.begin(), table.indexes.end(),
                          [](const StoredIndex& index) { return index.name.starts_with("_leat_key_"); });
    table.indexes.insert(table.indexes.begin() + (table.indexes.empty() ? 0 : 1), StoredIndex());
  }
  version_ = version;
  return &tables_;
}

Result<const IndexedTable*> SqliteTables::find(const std::string& name) {
  LEAT_ASSIGN(const std::vector<IndexedTable>* tables, all());
  for (const IndexedTable& table : *tables) {
    if (table.shown.name == name) return &table;
  }
  return Status::bad_config(fmt::format("{}: there is no table {} of leat's", db_.where(), quoted(name)));
}

}  // namespace leat
