#pragma once

// A FileSystem over the real one that counts its calls and fails the k-th (or every one from the k-th on).
// One thread at a time.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "os/file_system.h"

namespace leat::testing {

class FaultFiles final : public os::FileSystem {
 public:
  // 0: no faults. The call with this number (from 1) fails, and all later ones too when `forever`.
  void fail_at(uint64_t call, bool forever) {
    fail_at_ = call;
    forever_ = forever;
    calls_ = 0;
  }
  [[nodiscard]] uint64_t calls() const { return calls_; }

  Result<std::unique_ptr<os::File>> open(const std::string& path, os::Links links) override {
    if (fails()) return fault("open", path);
    LEAT_ASSIGN(auto file, os::file_system().open(path, links));
    if (file == nullptr) return std::unique_ptr<os::File>();
    return std::unique_ptr<os::File>(std::make_unique<FaultFile>(*this, path, std::move(file)));
  }
  Result<std::optional<os::FileInfo>> info(const std::string& path, os::Links links) override {
    if (fails()) return fault("look at", path);
    return os::file_system().info(path, links);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    if (fails()) return fault("list", directory);
    return os::file_system().list(directory);
  }
  Result<std::vector<std::string>> glob(const std::string& pattern) override {
    if (fails()) return fault("glob", pattern);
    return os::file_system().glob(pattern);
  }

 private:
  class FaultFile final : public os::File {
   public:
    FaultFile(FaultFiles& owner, std::string path, std::unique_ptr<os::File> file)
        : owner_(owner), path_(std::move(path)), file_(std::move(file)) {}
    Result<size_t> read_at(uint64_t offset, char* to, size_t size) override {
      if (owner_.fails()) return fault("read", path_);
      return file_->read_at(offset, to, size);
    }
    Result<os::FileInfo> info() override {
      if (owner_.fails()) return fault("look at", path_);
      return file_->info();
    }

   private:
    FaultFiles& owner_;
    std::string path_;
    std::unique_ptr<os::File> file_;
  };

  bool fails() {
    ++calls_;
    return fail_at_ > 0 && (forever_ ? calls_ >= fail_at_ : calls_ == fail_at_);
  }
  static Status fault(const char* what, const std::string& path) {
    return Status::retry(path + ": cannot " + what + ": Input/output error (injected)");
  }

  uint64_t calls_ = 0;
  uint64_t fail_at_ = 0;
  bool forever_ = false;
};

}  // namespace leat::testing
