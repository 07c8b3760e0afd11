#include "db/leat_database.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"

namespace leat {

Result<int64_t> read_sqlite_layout(const SqliteDatabase& db) {
  LEAT_ASSIGN(const int64_t version, db.query_integer("SELECT max(version) FROM _leat_meta", -1));
  if (version > kSqliteLayout) {
    return Status::bad_config(fmt::format("{}: made by a newer leat (layout {}, this one knows {}); use that version",
                                          db.where(), version, kSqliteLayout));
  }
  if (version < 1) {
    return Status::fatal(
        fmt::format("{}: table '_leat_meta' holds no layout version; it was changed by someone else, "
                    "name another file",
                    db.where()));
  }
  return version;
}

Status check_sqlite_layout(const SqliteDatabase& db) {
  LEAT_ASSIGN(const bool there, db.has_table("_leat_meta"));
  if (!there) {
    return Status::bad_config(
        fmt::format("{}: a database, but not one that leat has written to; name one that is", db.where()));
  }
  LEAT_ASSIGN(const int64_t version, read_sqlite_layout(db));
  if (version == kSqliteLayout) return {};
  return Status::bad_config(
      fmt::format("{}: made by an older leat (layout {}, this one knows {}); run its pipeline once, which brings it up "
                  "to date",
                  db.where(), version, kSqliteLayout));
}

Result<Schema> read_sqlite_schema(const SqliteDatabase& db, const std::string& pipeline) {
  LEAT_ASSIGN(SqliteStatement select,
              db.prepare("SELECT name, type, bytes FROM _leat_columns WHERE pipeline = ? ORDER BY ordinal"));
  select.with(std::string_view(pipeline));
  Schema schema;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return schema;
    const std::optional<Type> type = type_named(select.text(1));
    if (!type) {
      return Status::fatal(
          fmt::format("{}: table '_leat_columns' has the unknown type {} for column {}; it was changed "
                      "by someone else, name another file",
                      db.where(), quoted(select.text(1)), quoted(select.text(0))));
    }
    schema.fields.push_back({select.string(0), *type, select.integer(2) != 0});
  }
}

}  // namespace leat
