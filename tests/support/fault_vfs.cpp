#include "tests/support/fault_vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <vector>

namespace leat {

class FaultVfs::Impl {
 public:
  Impl() {
    static int made = 0;
    name_ = "leat-fault-" + std::to_string(made++);
    base_ = sqlite3_vfs_find(nullptr);
    vfs_ = *base_;
    vfs_.pNext = nullptr;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(Handle)) + base_->szOsFile;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    vfs_.xAccess = access;
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~Impl() { sqlite3_vfs_unregister(&vfs_); }

  // True: this call is to fail.
  bool fails(const char* what, const char* path) {
    const uint64_t call = calls_++;
    if (!armed_ || call < at_ || (mode_ == Mode::once && call > at_)) return false;
    if (!hit_) {
      const char* slash = path != nullptr ? std::strrchr(path, '/') : nullptr;
      where_ = std::string(what) + " " + (slash != nullptr ? slash + 1 : "a temporary file");
    }
    hit_ = true;
    return true;
  }
  [[nodiscard]] int code(int fitting) const { return code_ != 0 ? code_ : fitting; }
  [[nodiscard]] bool keeps_undo() const { return armed_ && (mode_ == Mode::crash || mode_ == Mode::torn); }

  // A write that is not synced yet: what stood there before.
  struct Unsynced {
    int64_t offset = 0;
    std::string before;
    int64_t size_before = 0;
  };

  struct Handle {
    sqlite3_file base{};
    Impl* impl = nullptr;
    std::string* path = nullptr;  // null: a temporary file
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static Handle* handle(sqlite3_file* file) { return reinterpret_cast<Handle*>(file); }
  static const char* path_of(const Handle* h) { return h->path != nullptr ? h->path->c_str() : nullptr; }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    Impl* self = static_cast<Impl*>(vfs->pAppData);
    Handle* h = new (file) Handle();
    h->impl = self;
    if (self->fails("open", path)) return self->code(SQLITE_CANTOPEN);
    const int outcome = self->base_->xOpen(self->base_, path, h->real(), flags, out_flags);
    if (outcome != SQLITE_OK) return outcome;
    if (path != nullptr) h->path = new std::string(path);
    h->base.pMethods = &kMethods;
    return SQLITE_OK;
  }
  static int remove(sqlite3_vfs* vfs, const char* path, int sync) {
    Impl* self = static_cast<Impl*>(vfs->pAppData);
    if (self->fails("delete", path)) return self->code(SQLITE_IOERR_DELETE);
    self->unsynced_.erase(path);
    return self->base_->xDelete(self->base_, path, sync);
  }
  static int access(sqlite3_vfs* vfs, const char* path, int flags, int* result) {
    Impl* self = static_cast<Impl*>(vfs->pAppData);
    if (self->fails("access", path)) return self->code(SQLITE_IOERR_ACCESS);
    return self->base_->xAccess(self->base_, path, flags, result);
  }

  static int close(sqlite3_file* file) {
    Handle* h = handle(file);
    const int outcome = h->real()->pMethods->xClose(h->real());
    delete h->path;
    h->path = nullptr;
    return outcome;
  }
  static int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
    Handle* h = handle(file);
    if (h->impl->fails("read", path_of(h))) return h->impl->code(SQLITE_IOERR_READ);
    return h->real()->pMethods->xRead(h->real(), to, size, offset);
  }
  void remember(Handle* h, sqlite3_int64 offset, int size) {
    if (!keeps_undo() || h->path == nullptr) return;
    sqlite3_int64 whole = 0;
    h->real()->pMethods->xFileSize(h->real(), &whole);
    Unsynced write;
    write.offset = offset;
    write.size_before = whole;
    write.before.resize(static_cast<size_t>(size));
    // A short read fills up with zeros.
    h->real()->pMethods->xRead(h->real(), write.before.data(), size, offset);
    unsynced_[*h->path].push_back(std::move(write));
  }
  static int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    Handle* h = handle(file);
    if (h->impl->fails("write", path_of(h))) return h->impl->code(SQLITE_IOERR_WRITE);
    h->impl->remember(h, offset, size);
    return h->real()->pMethods->xWrite(h->real(), from, size, offset);
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    Handle* h = handle(file);
    if (h->impl->fails("truncate", path_of(h))) return h->impl->code(SQLITE_IOERR_TRUNCATE);
    sqlite3_int64 whole = 0;
    h->real()->pMethods->xFileSize(h->real(), &whole);
    if (whole > size) h->impl->remember(h, size, static_cast<int>(whole - size));
    return h->real()->pMethods->xTruncate(h->real(), size);
  }
  static int sync(sqlite3_file* file, int flags) {
    Handle* h = handle(file);
    if (h->impl->fails("sync", path_of(h))) return h->impl->code(SQLITE_IOERR_FSYNC);
    if (h->path != nullptr) h->impl->unsynced_.erase(*h->path);
    return h->real()->pMethods->xSync(h->real(), flags);
  }
  static int file_size(sqlite3_file* file, sqlite3_int64* size) {
    Handle* h = handle(file);
    if (h->impl->fails("size", path_of(h))) return h->impl->code(SQLITE_IOERR_FSTAT);
    return h->real()->pMethods->xFileSize(h->real(), size);
  }
  static int lock(sqlite3_file* file, int level) {
    Handle* h = handle(file);
    if (h->impl->fails("lock", path_of(h))) return h->impl->code(SQLITE_IOERR_LOCK);
    return h->real()->pMethods->xLock(h->real(), level);
  }
  static int unlock(sqlite3_file* file, int level) {
    Handle* h = handle(file);
    return h->real()->pMethods->xUnlock(h->real(), level);
  }
  static int check_reserved(sqlite3_file* file, int* result) {
    Handle* h = handle(file);
    if (h->impl->fails("check lock of", path_of(h))) return h->impl->code(SQLITE_IOERR_CHECKRESERVEDLOCK);
    return h->real()->pMethods->xCheckReservedLock(h->real(), result);
  }
  static int control(sqlite3_file* file, int op, void* arg) {
    Handle* h = handle(file);
    return h->real()->pMethods->xFileControl(h->real(), op, arg);
  }
  static int sector_size(sqlite3_file* file) {
    Handle* h = handle(file);
    return h->real()->pMethods->xSectorSize(h->real());
  }
  static int characteristics(sqlite3_file* file) {
    Handle* h = handle(file);
    return h->real()->pMethods->xDeviceCharacteristics(h->real());
  }
  static int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** at) {
    Handle* h = handle(file);
    if (h->impl->fails("map shared memory of", path_of(h))) return h->impl->code(SQLITE_IOERR_SHMMAP);
    return h->real()->pMethods->xShmMap(h->real(), region, size, extend, at);
  }
  static int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
    Handle* h = handle(file);
    // Letting go of a lock does not fail.
    if ((flags & SQLITE_SHM_LOCK) != 0 && h->impl->fails("lock shared memory of", path_of(h))) {
      return h->impl->code(SQLITE_IOERR_SHMLOCK);
    }
    return h->real()->pMethods->xShmLock(h->real(), offset, n, flags);
  }
  static void shm_barrier(sqlite3_file* file) {
    Handle* h = handle(file);
    h->real()->pMethods->xShmBarrier(h->real());
  }
  static int shm_unmap(sqlite3_file* file, int remove_it) {
    Handle* h = handle(file);
    return h->real()->pMethods->xShmUnmap(h->real(), remove_it);
  }

  void take_down() {
    armed_ = false;
    for (auto& [path, writes] : unsynced_) {
      const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
      if (file < 0) continue;
      int64_t size = -1;
      for (size_t i = writes.size(); i-- > 0;) {
        const Unsynced& write = writes[i];
        if (mode_ == Mode::torn && i % 2 == 0) continue;
        if (::pwrite(file, write.before.data(), write.before.size(), write.offset) < 0) break;
        size = write.size_before;
      }
      if (size >= 0 && mode_ == Mode::crash && ::ftruncate(file, size) != 0) std::perror("ftruncate");
      ::close(file);
      // Shared memory does not outlive the machine.
      ::unlink((path + "-shm").c_str());
    }
    unsynced_.clear();
  }

  static const sqlite3_io_methods kMethods;

  sqlite3_vfs* base_ = nullptr;
  sqlite3_vfs vfs_{};
  std::string name_;
  bool armed_ = false;
  bool hit_ = false;
  uint64_t at_ = 0;
  uint64_t calls_ = 0;
  Mode mode_ = Mode::once;
  int code_ = 0;
  std::string where_;
  std::map<std::string, std::vector<Unsynced>> unsynced_;
};

const sqlite3_io_methods FaultVfs::Impl::kMethods = {
    2,         close,          read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_reserved, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,        nullptr};

FaultVfs::FaultVfs() : impl_(std::make_unique<Impl>()) {}
FaultVfs::~FaultVfs() = default;

const std::string& FaultVfs::name() const {
  return impl_->name_;
}

void FaultVfs::arm(uint64_t k, Mode mode, int code) {
  impl_->armed_ = true;
  impl_->hit_ = false;
  impl_->where_.clear();
  impl_->at_ = k;
  impl_->calls_ = 0;
  impl_->mode_ = mode;
  impl_->code_ = code;
  impl_->unsynced_.clear();
}

void FaultVfs::disarm() {
  impl_->armed_ = false;
}

uint64_t FaultVfs::calls() const {
  return impl_->calls_;
}

bool FaultVfs::hit() const {
  return impl_->hit_;
}

std::string FaultVfs::where() const {
  return impl_->where_;
}

void FaultVfs::take_down() {
  impl_->take_down();
}

}  // namespace leat
