#include "sources/upstream_table.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "config/complaints.h"
#include "db/leat_database.h"

namespace leat {
namespace {

// Rows of a last line without its end, by their _row; ?2: the pipeline.
constexpr std::string_view kHeldBack =
    "SELECT first_row FROM _leat_provisional WHERE inserted + updated > 0 AND part IN (SELECT part FROM _leat_parts "
    "WHERE pipeline = ?2)";

Status bad_columns(const UpstreamOptions& options, const std::string& where, const std::string& name,
                   const Schema& stored) {
  std::vector<std::string_view> names;
  for (const Field& field : stored.fields) names.push_back(field.name);
  return Status::bad_config(fmt::format("{}: table {} has no column {}{}", where, quoted(options.table), quoted(name),
                                        suggestion(name, names)));
}

}  // namespace

Result<std::unique_ptr<UpstreamTable>> UpstreamTable::open(const UpstreamOptions& options, os::FileSystem& files,
                                                           std::string& missing) {
  std::unique_ptr<UpstreamTable> table(new UpstreamTable(options, files));
  LEAT_ASSIGN(const std::optional<os::FileInfo> info, files.info(options.path, os::Links::follow));
  if (!info) {
    missing = fmt::format("{}: there is no such file yet; run the pipeline that fills its table {} first",
                          visible(options.path, 1000), quoted(options.table));
    return std::unique_ptr<UpstreamTable>();
  }
  table->file_ = *info;
  LEAT_ASSIGN(table->db_, SqliteDatabase::open({.path = options.path, .vfs = "", .read_only = true}));
  LEAT_ASSIGN(const bool found, table->find(missing));
  if (!found) return std::unique_ptr<UpstreamTable>();
  table->db_->opened();
  missing.clear();
  return table;
}

Result<bool> UpstreamTable::find(std::string& missing) {
  missing = fmt::format("{}: there is no table {} yet; run the pipeline that fills it first", db_->where(),
                        quoted(options_.table));
  LEAT_ASSIGN(const bool written, db_->has_table("_leat_meta"));
  LEAT_ASSIGN(const int64_t layout, written ? read_sqlite_layout(*db_) : Result<int64_t>(kSqliteLayout));
  if (layout < kSqliteLayout) {
    missing = check_sqlite_layout(*db_).message();
    return false;
  }
  if (written) {
    LEAT_ASSIGN(SqliteStatement select,
                db_->prepare("SELECT pipeline, write_mode, table_name FROM _leat_pipelines WHERE "
                             "table_name = ? COLLATE NOCASE"));
    select.with(std::string_view(options_.table));
    LEAT_ASSIGN(const bool found, select.step());
    if (found) {
      pipeline_ = select.string(0);
      mode_ = select.string(1);
      table_ = select.string(2);
      number_ = mode_ == "merge" ? "_revision" : "_row";
      LEAT_ASSIGN(const Schema stored, read_sqlite_schema(*db_, pipeline_));
      return !stored.fields.empty();
    }
    LEAT_ASSIGN(const int64_t aggregates,
                db_->query_integer("SELECT count(*) FROM _leat_aggregates WHERE aggregate = " +
                                   sql_text(options_.table) + " COLLATE NOCASE"));
    if (aggregates > 0) {
      return Status::bad_config(
          fmt::format("{}: {} is an aggregate, whose rows change without a trace; name the table of a pipeline",
                      db_->where(), quoted(options_.table)));
    }
  }
  LEAT_ASSIGN(const bool foreign, db_->has_table(options_.table));
  if (!foreign) return false;
  return Status::bad_config(
      fmt::format("{}: table {} is not filled by a pipeline, so nobody can tell which of its rows are new; name the "
                  "table of a pipeline",
                  db_->where(), quoted(options_.table)));
}

bool UpstreamTable::is_in_place() {
  const auto now = files_.info(options_.path, os::Links::follow);
  return now.ok() && *now && (*now)->device == file_.device && (*now)->inode == file_.inode;
}

void UpstreamTable::end() {
  select_.reset();
  (void)db_->execute("ROLLBACK");
}

Result<bool> UpstreamTable::refresh() {
  LEAT_ASSIGN(const int64_t version, db_->query_integer("PRAGMA schema_version"));
  if (version == schema_version_) return false;
  const Schema before = std::move(schema_);
  LEAT_ASSIGN(const Schema stored, read_sqlite_schema(*db_, pipeline_));
  LEAT_TRY(choose_columns(stored));
  LEAT_TRY(prepare());
  schema_version_ = version;
  return schema_ != before;
}

Status UpstreamTable::choose_columns(const Schema& stored) {
  schema_ = {};
  for (const Field& field : stored.fields) {
    if (options_.columns.empty() && !field.bytes) schema_.fields.push_back(field);
  }
  for (const std::string& name : options_.columns) {
    const std::optional<size_t> at = stored.find(name);
    if (!at) return bad_columns(options_, db_->where(), name, stored);
    schema_.fields.push_back(stored.fields[*at]);
  }
  return {};
}

// The content of a `replace` changes no more: what it has is final.
std::string UpstreamTable::final_rows_from() const {
  return number_ + " >= ?1 AND " + (is_replaced() ? "?2 <> ''" : fmt::format("_row NOT IN ({})", kHeldBack));
}

Status UpstreamTable::prepare() {
  std::string columns = number_;
  for (const Field& field : schema_.fields) columns += ", " + sql_name(field.name);
  std::string sql = fmt::format("SELECT {} FROM {} WHERE {}", columns, sql_name(table_), final_rows_from());
  if (mode_ == "merge") {
    sql += fmt::format(" UNION ALL SELECT {} FROM {} WHERE {} >= ?1", columns, sql_name("_leat_before_" + table_),
                       number_);
  }
  LEAT_ASSIGN(select_, db_->prepare(sql + " ORDER BY 1"));
  return {};
}

Result<uint64_t> UpstreamTable::count(const std::string& sql) const {
  LEAT_ASSIGN(const int64_t number, db_->query_integer(sql));
  return static_cast<uint64_t>(number);
}

Result<std::string> UpstreamTable::made() {
  LEAT_ASSIGN(SqliteStatement select, db_->prepare("SELECT created_at FROM _leat_meta"));
  LEAT_ASSIGN(const bool found, select.step());
  return found ? select.string(0) : std::string();
}

Result<uint64_t> UpstreamTable::next_number() {
  return count("SELECT next_row FROM _leat_pipelines WHERE pipeline = " + sql_text(pipeline_));
}

Result<uint64_t> UpstreamTable::first_number() {
  return count(fmt::format("SELECT min({}) FROM {}", number_, sql_name(table_)));
}

Result<uint64_t> UpstreamTable::rows() {
  return count("SELECT sum(inserted) FROM _leat_ranges WHERE part IN (SELECT part FROM _leat_parts WHERE pipeline = " +
               sql_text(pipeline_) + ")");
}

Result<uint64_t> UpstreamTable::rows_from(uint64_t from) {
  LEAT_ASSIGN(SqliteStatement select,
              db_->prepare(fmt::format("SELECT count(*) FROM {} WHERE {}", sql_name(table_), final_rows_from())));
  select.with(from, std::string_view(pipeline_));
  LEAT_TRY(select.step().status().clone());
  return select.number(0);
}

Status UpstreamTable::held_back(const TakeHeld& take) {
  if (is_replaced()) return {};
  std::string columns = number_;
  for (const Field& field : schema_.fields) columns += fmt::format(", {}.{}", sql_name(table_), sql_name(field.name));
  LEAT_ASSIGN(
      SqliteStatement select,
      db_->prepare(fmt::format("SELECT {}, p.name FROM _leat_parts AS p JOIN _leat_provisional USING(part) JOIN {} "
                               "ON _row = first_row WHERE p.pipeline = ? AND inserted + updated > 0 ORDER BY 1",
                               columns, sql_name(table_))));
  select.with(std::string_view(pipeline_));
  for (;;) {
    LEAT_ASSIGN(const bool found, select.step());
    if (!found) return {};
    take(select, select.string(select.columns() - 1));
  }
}

Result<bool> UpstreamTable::read(uint64_t from, const std::function<bool(const SqliteStatement& row)>& take) {
  select_.reset();
  select_.with(from, std::string_view(pipeline_));
  for (;;) {
    LEAT_ASSIGN(const bool found, select_.step());
    if (!found) return false;
    if (!take(select_)) return true;
  }
}

}  // namespace leat
