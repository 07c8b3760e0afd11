#pragma once

// A sqlite3_vfs that gathers what is appended to a write-ahead log. SQLite writes each frame by two calls, its header
// of 24 bytes and its page; here neighbouring bytes go to the system in one call of up to 128 KiB. That saves an eighth
// of the CPU time of a large load. All other files are those of the VFS below.
//
// 1. A frame that commits is written at once, and all before it: other connections read only committed frames.
// 2. Whatever else is done with the log comes after what was gathered: it reads what it has written, a sync covers it.
// 3. A write that fails late is the failure of the call that caused it: no commit is called done without its frames.
//
// Owned by one SqliteDatabase, which it outlives.

#include <sqlite3.h>

#include <memory>
#include <string>

#include "base/status.h"

namespace leat {

class WalVfs : private sqlite3_vfs {
 public:
  // Over the VFS registered as `base` (empty: the default one); null: there is none of that name.
  static std::unique_ptr<WalVfs> make(const std::string& base);

  WalVfs(const WalVfs&) = delete;
  WalVfs& operator=(const WalVfs&) = delete;
  ~WalVfs() { sqlite3_vfs_unregister(this); }

  // To be given to sqlite3_open_v2.
  [[nodiscard]] const char* name() const { return name_.c_str(); }

 private:
  explicit WalVfs(sqlite3_vfs* base);
  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags);

  sqlite3_vfs* base_;
  std::string name_;
};

}  // namespace leat
