#pragma once

// A table in a SQLite database; docs/formats/database.md has the layout and its invariants.
// Who calls what: flow/sink.h, flow/store.h.

#include <memory>
#include <string>

#include "base/status.h"
#include "flow/note.h"
#include "flow/sink.h"
#include "flow/store.h"
#include "os/clock.h"

namespace leat {

class SqliteDatabase;

// What is kept in the same transactions by another sink, whose books are in this database.
class SqliteCompanion {
 public:
  SqliteCompanion() = default;
  SqliteCompanion(const SqliteCompanion&) = delete;
  SqliteCompanion& operator=(const SqliteCompanion&) = delete;
  virtual ~SqliteCompanion() = default;
  // In the transaction in which the sink's tables were made or checked.
  virtual Status opened(const SqliteDatabase& db) = 0;
  // Something is to be committed, also when no position has moved.
  [[nodiscard]] virtual bool pending() const = 0;
  // Last before COMMIT.
  virtual Status commit(const SqliteDatabase& db) = 0;
};

struct SqliteOptions {
  std::string path;
  std::string vfs;  // name of a registered sqlite3_vfs; empty: the default one
  uint64_t cache_bytes = 16 * 1024 * 1024;
  uint64_t busy_timeout_ms = 5000;       // how long to wait for another's lock before Kind::retry
  SqliteCompanion* companion = nullptr;  // null: none; outlives the sink
};

std::unique_ptr<Sink> make_sqlite_sink(SqliteOptions options, os::Clock& clock, Note note);

// bad_config: no such file, not a database, not one of ours, a newer layout.
Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path);

}  // namespace leat
