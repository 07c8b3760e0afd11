#include "os/limited_files.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/text.h"

namespace leat::os {

size_t open_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<size_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

class LimitedFiles::LimitedFile final : public File {
 public:
  LimitedFile(LimitedFiles& owner, std::string path, Links links, FileInfo found, std::unique_ptr<File> file)
      : owner_(owner), path_(std::move(path)), links_(links), found_(found), file_(std::move(file)) {
    owner_.open_.push_front(this);
    place_ = owner_.open_.begin();
  }
  ~LimitedFile() override {
    if (file_ != nullptr) owner_.open_.erase(place_);
  }

  Result<size_t> read_at(uint64_t offset, char* to, size_t size) override {
    if (file_ == nullptr) LEAT_TRY(open_again());
    owner_.open_.splice(owner_.open_.begin(), owner_.open_, place_);
    return file_->read_at(offset, to, size);
  }

  Result<FileInfo> info() override {
    if (file_ != nullptr) return file_->info();
    LEAT_ASSIGN(const auto info, owner_.files_.info(path_, links_));
    return info.value_or(FileInfo());
  }

  // False: its path does not lead to it any more.
  Result<bool> close() {
    LEAT_ASSIGN(const auto info, owner_.files_.info(path_, links_));
    if (!info || !is_it(*info)) return false;
    file_.reset();
    owner_.open_.erase(place_);
    return true;
  }

 private:
  [[nodiscard]] bool is_it(const FileInfo& info) const { return info.is_same_file(found_); }

  Status open_again() {
    LEAT_TRY(owner_.make_room());
    LEAT_ASSIGN(auto file, owner_.files_.open(path_, links_));
    if (file != nullptr) {
      LEAT_ASSIGN(const FileInfo info, file->info());
      if (!is_it(info)) file.reset();
    }
    if (file == nullptr) return Status::retry(visible(path_) + ": was renamed or removed just now; looking for it");
    file_ = std::move(file);
    owner_.open_.push_front(this);
    place_ = owner_.open_.begin();
    return {};
  }

  LimitedFiles& owner_;
  const std::string path_;
  const Links links_;
  const FileInfo found_;
  std::unique_ptr<File> file_;  // null: closed, and not in the list
  std::list<LimitedFile*>::iterator place_;
};

Result<std::unique_ptr<File>> LimitedFiles::open(const std::string& path, Links links) {
  LEAT_TRY(make_room());
  LEAT_ASSIGN(auto file, files_.open(path, links));
  if (file == nullptr) return std::unique_ptr<File>();
  LEAT_ASSIGN(const FileInfo info, file->info());
  return std::unique_ptr<File>(std::make_unique<LimitedFile>(*this, path, links, info, std::move(file)));
}

// More than that stay open when none can be closed.
Status LimitedFiles::make_room() {
  for (auto each = open_.end(); open_.size() >= most_open_ && each != open_.begin();) {
    LimitedFile* const file = *--each;
    const auto next = std::next(each);
    LEAT_ASSIGN(const bool closed, file->close());
    if (closed) each = next;
  }
  return {};
}

}  // namespace leat::os
