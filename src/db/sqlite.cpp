#include "db/sqlite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "db/database_path.h"
#include "os/clock.h"
#include "os/private_file.h"

namespace leat {
namespace {

// As a URI, in which the path cannot be taken for options.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

// What SQLite's own message would not tell.
Status check_path(const SqliteOpen& options) {
  LEAT_ASSIGN(const bool there, check_database_path(options.path, options.read_only));
  return there ? Status() : os::make_private_file(options.path);
}

}  // namespace

void SqliteStatement::bind_bytes(int at, std::string_view bytes) {
  if (is_plain_text(bytes)) {
    bind(at, bytes);
  } else {
    keep(sqlite3_bind_blob64(statement_, at, bytes.data(), bytes.size(), SQLITE_STATIC));
  }
}

Result<bool> SqliteStatement::step() {
  const int code = step_code();
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Status failed = db_->failure(code);
  reset();
  return failed;
}

Status SqliteStatement::run() {
  for (;;) {
    const int code = step_code();
    if (code == SQLITE_ROW) continue;
    Status outcome = code == SQLITE_DONE ? Status() : db_->failure(code);
    reset();
    return outcome;
  }
}

std::string_view SqliteStatement::text(int at) const {
  const void* bytes = sqlite3_column_type(statement_, at) == SQLITE_BLOB
                          ? sqlite3_column_blob(statement_, at)
                          : static_cast<const void*>(sqlite3_column_text(statement_, at));
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(statement_, at))};
}

// Before SQLite is used for the first time: nobody asks how much memory it has, and counting takes a lock each time.
void configure_sqlite() {
  static const int done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)done;
}

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const SqliteOpen& options) {
  configure_sqlite();
  std::unique_ptr<SqliteDatabase> opened(new SqliteDatabase());
  opened->where_ = visible(options.path);
  LEAT_TRY(check_path(options));
  int access = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  // A path that begins with ':' or "file:" has a meaning of its own for SQLite.
  std::string path = options.path.starts_with('/') ? options.path : "./" + options.path;
  if (options.immutable) {
    access |= SQLITE_OPEN_URI;
    path = immutable_uri(path);
  }
  const char* vfs = options.vfs.empty() ? nullptr : options.vfs.c_str();
  if (!options.read_only) {
    opened->vfs_ = WalVfs::make(options.vfs);
    if (opened->vfs_ != nullptr) vfs = opened->vfs_->name();
  }
  const int code =
      sqlite3_open_v2(path.c_str(), &opened->db_, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  if (code != SQLITE_OK) return opened->failure(code);
  opened->busy_timeout_ms_ = options.busy_timeout_ms;
  sqlite3_busy_timeout(opened->db_, static_cast<int>(options.busy_timeout_ms));
  LEAT_TRY(opened->execute(fmt::format("PRAGMA cache_size = -{}; PRAGMA trusted_schema = OFF;",
                                       std::max<uint64_t>(options.cache_bytes / 1024, 64))));
  return opened;
}

SqliteDatabase::~SqliteDatabase() {
  sqlite3_close_v2(db_);
}

void SqliteDatabase::limit_time(uint64_t ms) {
  constexpr int kSteps = 2000;  // of SQLite's machine, between two looks at the clock: well below a millisecond
  if (ms == 0) {
    sqlite3_progress_handler(db_, 0, nullptr, nullptr);
    sqlite3_busy_timeout(db_, static_cast<int>(busy_timeout_ms_));
    return;
  }
  deadline_ms_ = os::clock().steady_ms() + ms;
  const auto is_over = [](void* deadline) {
    return os::clock().steady_ms() >= *static_cast<const uint64_t*>(deadline) ? 1 : 0;
  };
  sqlite3_progress_handler(db_, kSteps, is_over, &deadline_ms_);
  sqlite3_busy_timeout(db_, static_cast<int>(std::min(ms, busy_timeout_ms_)));
}

Status SqliteDatabase::execute(const std::string& sql) const {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : failure(code);
}

Status SqliteDatabase::add_module(const std::string& name, const sqlite3_module& calls, void* of) const {
  const int code = sqlite3_create_module_v2(db_, name.c_str(), &calls, of, nullptr);
  return code == SQLITE_OK ? Status() : failure(code);
}

Result<SqliteStatement> SqliteDatabase::prepare(const std::string& sql) const {
  SqliteStatement statement;
  statement.db_ = this;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement.statement_, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return statement;
}

Result<int64_t> SqliteDatabase::query_integer(const std::string& sql, int64_t missing) const {
  LEAT_ASSIGN(SqliteStatement statement, prepare(sql));
  LEAT_ASSIGN(const bool found, statement.step());
  return found && !statement.is_null(0) ? statement.integer(0) : missing;
}

Result<bool> SqliteDatabase::has_table(const std::string& name) const {
  LEAT_ASSIGN(const int64_t found, query_integer("SELECT count(*) FROM sqlite_schema WHERE type IN ('table', 'view') "
                                                 "AND name = " +
                                                 sql_text(name) + " COLLATE NOCASE"));
  return found > 0;
}

}  // namespace leat
