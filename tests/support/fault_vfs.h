#pragma once

// A sqlite3_vfs over the default one that counts the calls that can fail and makes some of them fail: the k-th, or all
// from the k-th on; or that pretends a crash: from the k-th call on nothing works, and what was written but not synced
// is lost. One thread. It is registered as long as the object lives; the name goes into SqliteOptions::vfs.

#include <cstdint>
#include <memory>
#include <string>

namespace leat {

class FaultVfs {
 public:
  enum class Mode : uint8_t {
    once,     // the k-th call fails
    forever,  // it and all behind it
    crash,    // likewise, and take_down() undoes every write that was not synced
    torn,     // as crash, but every second write that was not synced stays
  };

  FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;
  ~FaultVfs();

  [[nodiscard]] const std::string& name() const;

  // Counts from 0 again and fails at call number `k` (from 0). `code`: a result code of SQLite; 0: the one that fits
  // the call.
  void arm(uint64_t k, Mode mode, int code = 0);
  // Nothing fails any more; the count goes on.
  void disarm();
  // Calls since arm().
  [[nodiscard]] uint64_t calls() const;
  // A call was made to fail since arm().
  [[nodiscard]] bool hit() const;
  // "write web.db-wal": the first call that failed.
  [[nodiscard]] std::string where() const;
  // After a crash, when all connections are closed: the files are as a disk that lost its power has them.
  void take_down();

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace leat
