#pragma once

// Stores of one database, opened as many times as are read at the same moment. Any thread.

#include <memory>
#include <mutex>
#include <vector>

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
    LEAT_ASSIGN(std::unique_ptr<Store> store, take());
    auto outcome = read(store.get());
    if (store != nullptr && (outcome.ok() || outcome.status().kind() == Kind::bad_config)) give(std::move(store));
    return outcome;
  }

 private:
  static constexpr uint64_t kLongestReadMs = 200;

  Result<std::unique_ptr<Store>> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Store> store = std::move(idle_.back());
        idle_.pop_back();
        return store;
      }
    }
    LEAT_ASSIGN(std::unique_ptr<Store> store, database_.open());
    if (store != nullptr) store->answer_within(kLongestReadMs);
    return store;
  }
  void give(std::unique_ptr<Store> store) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(store));
  }

  ApiDatabase database_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Store>> idle_;
};

}  // namespace leat
