#include "db/sqlite_status.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>

#include "base/text.h"

namespace leat {
namespace {

Status cannot_open(sqlite3* db, const std::string& where, SqlitePhase phase) {
  const int system_error = db != nullptr ? sqlite3_system_errno(db) : 0;
  const std::string why = system_error != 0 ? std::strerror(system_error) : "no reason given";
  if (phase == SqlitePhase::opening) {
    return Status::bad_config(
        fmt::format("{}: cannot be opened as a database ({}); look at the path, at its folder and "
                    "at their permissions, or name another file",
                    where, why));
  }
  return Status::retry(fmt::format(
      "{}: a file of it cannot be opened any more ({}); look at its folder and at the limits of open files, leat goes "
      "on by itself",
      where, why));
}

Status refused(sqlite3* db, const std::string& where) {
  return Status::bad_data(
      fmt::format("{}: the database refuses the row ({}); look at the constraints, unique indexes "
                  "and triggers that were added to the table",
                  where, db != nullptr ? visible(sqlite3_errmsg(db)) : "no reason given"));
}

Status damaged(const std::string& where) {
  return Status::fatal(
      fmt::format("{}: the database is damaged; keep a copy, try `sqlite3 FILE .recover`, or let leat make a new one "
                  "under another name",
                  where));
}

}  // namespace

Status sqlite_status(int code, sqlite3* db, const std::string& where, SqlitePhase phase) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return Status::retry(fmt::format("{}: the disk is full; free space, leat goes on by itself", where));
    case SQLITE_IOERR: {
      const int system_error = db != nullptr ? sqlite3_system_errno(db) : 0;
      return Status::retry(fmt::format(
          "{}: reading or writing it failed ({}); look at the disk and at the system's log, leat goes on by "
          "itself when it works again",
          where, system_error != 0 ? std::strerror(system_error) : sqlite3_errstr(code)));
    }
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return Status::retry(fmt::format(
          "{}: locked by another program; end that program or its transaction, leat goes on by itself", where));
    case SQLITE_INTERRUPT:
      return Status::retry(fmt::format("{}: did not answer in time; leat asks again", where));
    case SQLITE_NOMEM:
      return Status::retry(fmt::format("{}: no memory left for it; leat goes on by itself", where));
    case SQLITE_CANTOPEN:
      return cannot_open(db, where, phase);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Status::bad_config(
          fmt::format("{}: may not be written (the file, its folder or the file system is read-only for this user); "
                      "change that, or "
                      "name another file",
                      where));
    case SQLITE_NOTADB:
      if (phase == SqlitePhase::opening) {
        return Status::bad_config(fmt::format("{}: is not a SQLite database; name another file", where));
      }
      return damaged(where);
    case SQLITE_CORRUPT:
      return damaged(where);
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
      return refused(db, where);
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_ABORT:
      return Status::fatal(
          fmt::format("{}: its tables are not as leat made them ({}); undo what was changed, or name "
                      "another file",
                      where, db != nullptr ? visible(sqlite3_errmsg(db)) : "no reason given"));
    default:
      return Status::bug(fmt::format("{}: unexpected result {} of SQLite ({})", where, code,
                                     db != nullptr ? visible(sqlite3_errmsg(db)) : "no reason given"));
  }
}

}  // namespace leat
