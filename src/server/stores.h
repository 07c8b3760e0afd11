#pragma once

// Stores of one database, opened as many times as are read at the same moment. Any thread.

#include <memory>
#include <mutex>
#include <vector>

#include "os/clock.h"
#include "server/api.h"

namespace leat {

class Stores {
 public:
  explicit Stores(ApiDatabase database) : database_(std::move(database)) {}
  [[nodiscard]] const ApiDatabase& database() const { return database_; }

  // Calls `read` with a Store that nobody else has; null: the database is not there yet. A Store that failed is not
  // used again: recovery is opening anew.
  template <class Read>
  auto with(const Read& read) -> decltype(read(std::declval<Store*>())) {
    LEAT_ASSIGN(Open open, take());
    auto outcome = read(open.store.get());
    if (open.store != nullptr && (outcome.ok() || outcome.status().kind() == Kind::bad_config)) give(std::move(open));
    return outcome;
  }

 private:
  static constexpr uint64_t kLongestReadMs = 200;
  static constexpr uint64_t kLongestUseMs = 60 * 1000;  // then the file may be another one

  struct Open {
    std::unique_ptr<Store> store;
    uint64_t since_ms = 0;
  };

  Result<Open> take() {
    const uint64_t now_ms = os::clock().steady_ms();
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(idle_, [&](const Open& open) { return now_ms - open.since_ms > kLongestUseMs; });
      if (!idle_.empty()) {
        Open open = std::move(idle_.back());
        idle_.pop_back();
        return open;
      }
    }
    LEAT_ASSIGN(std::unique_ptr<Store> store, database_.open());
    if (store != nullptr) store->answer_within(kLongestReadMs);
    return Open{std::move(store), now_ms};
  }
  void give(Open open) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(open));
  }

  ApiDatabase database_;
  std::mutex mutex_;
  std::vector<Open> idle_;
};

}  // namespace leat
