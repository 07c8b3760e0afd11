#include "os/file_changes.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <thread>

namespace leat::os {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kMask = IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR;
constexpr auto kGather = std::chrono::milliseconds(10);  // between two answers

class Inotify final : public FileChanges {
 public:
  Inotify(int changes, int stopped) : changes_(changes), stopped_(stopped) {}
  ~Inotify() override {
    ::close(changes_);
    ::close(stopped_);
  }

  void watch(const std::string& directory) override {
    const int number = ::inotify_add_watch(changes_, directory.c_str(), kMask);
    if (number >= 0) directories_[number] = directory;
  }

  std::vector<std::string> wait_ms(uint64_t ms, const std::stop_token& stop) override {
    const auto until = Clock::now() + std::chrono::milliseconds(ms);
    eventfd_t of_an_earlier_run = 0;
    (void)::eventfd_read(stopped_, &of_an_earlier_run);
    const std::stop_callback wake(stop, [this] { (void)::eventfd_write(stopped_, 1); });
    if (!is_told(until) || stop.stop_requested()) return {};
    // A writer seldom writes once: the first change is told of at once, the next ones together.
    if (const auto next = std::min(answered_ + kGather, until); Clock::now() < next)
      std::this_thread::sleep_until(next);
    answered_ = Clock::now();
    return take();
  }

 private:
  [[nodiscard]] bool is_told(Clock::time_point until) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    std::array<pollfd, 2> waited = {{{changes_, POLLIN, 0}, {stopped_, POLLIN, 0}}};
    return ::poll(waited.data(), waited.size(), static_cast<int>(std::max<int64_t>(left, 0))) > 0 &&
           waited[0].revents != 0;
  }

  std::vector<std::string> take() {
    std::vector<std::string> paths;
    alignas(inotify_event) std::array<char, 64 * 1024> buffer;  // NOLINT(*-member-init): read() fills it
    const ssize_t size = ::read(changes_, buffer.data(), buffer.size());
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      const auto directory = directories_.find(event->wd);
      if (directory == directories_.end()) continue;
      if ((event->mask & IN_IGNORED) != 0) {
        directories_.erase(directory);
      } else if (event->len > 0) {
        std::string path = directory->second + "/" + event->name;
        if (paths.empty() || paths.back() != path) paths.push_back(std::move(path));
      }
    }
    return paths;
  }

  int changes_;
  int stopped_;  // an eventfd
  std::map<int, std::string> directories_;
  Clock::time_point answered_;
};

}  // namespace

std::unique_ptr<FileChanges> make_file_changes() {
  const int changes = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  const int stopped = changes < 0 ? -1 : ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (stopped < 0) {
    if (changes >= 0) ::close(changes);
    return nullptr;
  }
  return std::make_unique<Inotify>(changes, stopped);
}

}  // namespace leat::os
