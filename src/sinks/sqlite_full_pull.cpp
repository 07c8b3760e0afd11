#include "sinks/sqlite_full_pull.h"

#include <fmt/format.h>

namespace leat {
namespace {

constexpr const char* kTable = "_leat_full_pulls";

}  // namespace

Result<std::unique_ptr<SqliteFullPull>> SqliteFullPull::load(const SqliteDatabase& db, const std::string& pipeline) {
  std::unique_ptr<SqliteFullPull> pull(new SqliteFullPull(db, pipeline));
  LEAT_ASSIGN(const bool there, db.has_table(kTable));
  if (!there) return pull;
  LEAT_ASSIGN(SqliteStatement select,
              db.prepare("SELECT part, first_revision, vanished FROM _leat_full_pulls WHERE pipeline = ?"));
  select.with(std::string_view(pipeline));
  LEAT_ASSIGN(const bool row, select.step());
  if (!row) return pull;
  pull->part_ = select.integer(0);
  if (!select.is_null(1)) pull->first_revision_ = select.integer(1);
  pull->vanished_ = select.number(2);
  return pull;
}

Result<FullPullBook::Seen> SqliteFullPull::seen_since(int64_t part) {
  LEAT_ASSIGN(SqliteStatement select,
              db_->prepare("SELECT sum(inserted + updated + ignored), sum(rejected) FROM _leat_ranges JOIN _leat_parts "
                           "USING(part) WHERE pipeline = ? AND part >= ?"));
  LEAT_TRY(select.with(std::string_view(pipeline_), part).step().status().clone());
  return Seen{select.number(0), select.number(1)};
}

Status SqliteFullPull::keep() {
  LEAT_TRY(db_->execute(
      fmt::format("CREATE TABLE IF NOT EXISTS {}(pipeline TEXT PRIMARY KEY NOT NULL, part INTEGER NOT NULL, "
                  "first_revision INTEGER, vanished INTEGER NOT NULL) WITHOUT ROWID",
                  kTable)));
  LEAT_ASSIGN(SqliteStatement put, db_->prepare(fmt::format("INSERT OR REPLACE INTO {} VALUES(?, ?, ?, ?)", kTable)));
  put.with(std::string_view(pipeline_), part_, nullptr, vanished_);
  if (first_revision_) put.bind(3, *first_revision_);
  return put.run();
}

Result<uint64_t> read_sqlite_vanished(const SqliteDatabase& db, const std::string& pipeline) {
  LEAT_ASSIGN(const bool there, db.has_table(kTable));
  if (!there) return uint64_t{0};
  LEAT_ASSIGN(const int64_t vanished,
              db.query_integer(fmt::format("SELECT vanished FROM {} WHERE pipeline = {}", kTable, sql_text(pipeline))));
  return static_cast<uint64_t>(vanished);
}

Status forget_sqlite_full_pull(const SqliteDatabase& db, const std::string& pipeline) {
  LEAT_ASSIGN(const bool there, db.has_table(kTable));
  if (!there) return {};
  return db.execute(fmt::format("DELETE FROM {} WHERE pipeline = {}", kTable, sql_text(pipeline)));
}

}  // namespace leat
