#include "db/wal_vfs.h"

#include <fmt/format.h>

#include <cstring>
#include <new>

namespace leat {
namespace {

// SQLite's own VFS writes less than 128 KiB at a time.
constexpr size_t kMostGathered = 128 * 1024 - 1;

// A frame's header (sqlite.org/fileformat.html#walformat): bytes 4 to 7 are 0 but in a frame that commits.
constexpr int kFrameHeader = 24;
bool commits(const char* header) {
  constexpr char kNone[4] = {};
  return std::memcmp(header + 4, kNone, sizeof(kNone)) != 0;
}

// In memory that SQLite has made: first this, then the file of the VFS below.
class Log : public sqlite3_file {
 public:
  static Log& of(sqlite3_file* file) { return *static_cast<Log*>(file); }
  [[nodiscard]] sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }

  int write(const void* from, int size, sqlite3_int64 offset) {
    const auto bytes = static_cast<size_t>(size);
    if (offset != begin_ + static_cast<sqlite3_int64>(gathered_.size()) || gathered_.size() + bytes > kMostGathered) {
      if (const int code = flush(); code != SQLITE_OK) return code;
      begin_ = offset;
    }
    gathered_.append(static_cast<const char*>(from), bytes);
    if (size == kFrameHeader) {
      commits_ = commits(static_cast<const char*>(from));
      return SQLITE_OK;
    }
    return commits_ ? flush() : SQLITE_OK;
  }

  // What cannot be written is forgotten: SQLite takes the failure for that of a frame, and writes the frames again.
  int flush() {
    if (gathered_.empty()) return SQLITE_OK;
    const int code = below()->pMethods->xWrite(below(), gathered_.data(), static_cast<int>(gathered_.size()), begin_);
    gathered_.clear();
    return code;
  }

  int flush_if_in(sqlite3_int64 offset, int size) {
    const bool apart = offset + size <= begin_ || begin_ + static_cast<sqlite3_int64>(gathered_.size()) <= offset;
    return apart ? SQLITE_OK : flush();
  }

 private:
  std::string gathered_;
  sqlite3_int64 begin_ = 0;  // where gathered_ belongs
  bool commits_ = false;     // the frame at hand
};

int close_log(sqlite3_file* file) {
  Log& log = Log::of(file);
  const int flushed = log.flush();
  const int closed = log.below()->pMethods->xClose(log.below());
  log.~Log();
  return flushed != SQLITE_OK ? flushed : closed;
}

int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
  Log& log = Log::of(file);
  if (const int code = log.flush_if_in(offset, size); code != SQLITE_OK) return code;
  return log.below()->pMethods->xRead(log.below(), to, size, offset);
}

int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  return Log::of(file).write(from, size, offset);
}

// A method that may see or change what was gathered.
template <auto method, class... Arguments>
int after_flush(sqlite3_file* file, Arguments... arguments) {
  Log& log = Log::of(file);
  if (const int code = log.flush(); code != SQLITE_OK) return code;
  return (log.below()->pMethods->*method)(log.below(), arguments...);
}

// A method that has nothing to do with it.
template <auto method, class... Arguments>
int forward(sqlite3_file* file, Arguments... arguments) {
  Log& log = Log::of(file);
  return (log.below()->pMethods->*method)(log.below(), arguments...);
}

constexpr sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = close_log,
    .xRead = read,
    .xWrite = write,
    .xTruncate = after_flush<&sqlite3_io_methods::xTruncate, sqlite3_int64>,
    .xSync = after_flush<&sqlite3_io_methods::xSync, int>,
    .xFileSize = after_flush<&sqlite3_io_methods::xFileSize, sqlite3_int64*>,
    .xLock = forward<&sqlite3_io_methods::xLock, int>,
    .xUnlock = forward<&sqlite3_io_methods::xUnlock, int>,
    .xCheckReservedLock = forward<&sqlite3_io_methods::xCheckReservedLock, int*>,
    .xFileControl = after_flush<&sqlite3_io_methods::xFileControl, int, void*>,
    .xSectorSize = forward<&sqlite3_io_methods::xSectorSize>,
    .xDeviceCharacteristics = forward<&sqlite3_io_methods::xDeviceCharacteristics>,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

}  // namespace

std::unique_ptr<WalVfs> WalVfs::make(const std::string& base) {
  sqlite3_initialize();
  sqlite3_vfs* const found = sqlite3_vfs_find(base.empty() ? nullptr : base.c_str());
  return found == nullptr ? nullptr : std::unique_ptr<WalVfs>(new WalVfs(found));
}

WalVfs::WalVfs(sqlite3_vfs* base)
    : sqlite3_vfs(*base), base_(base), name_(fmt::format("leat-wal-{}", static_cast<const void*>(this))) {
  pNext = nullptr;
  zName = name_.c_str();
  szOsFile = static_cast<int>(sizeof(Log)) + base->szOsFile;
  xOpen = open;
  sqlite3_vfs_register(this, 0);
}

int WalVfs::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  sqlite3_vfs* const base = static_cast<WalVfs*>(vfs)->base_;
  if ((flags & SQLITE_OPEN_WAL) == 0) return base->xOpen(base, path, file, flags, out_flags);
  Log* const log = new (file) Log();
  const int code = base->xOpen(base, path, log->below(), flags, out_flags);
  // SQLite closes what has methods, also after a failure.
  log->pMethods = log->below()->pMethods == nullptr ? nullptr : &kMethods;
  return code;
}

}  // namespace leat
