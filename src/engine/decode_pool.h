#pragma once

// Decodes chunks on some threads of its own, or, with none, in the thread that submits. Owned by one run of a pipeline;
// submit() by its reader. At the end it waits for what was submitted.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "flow/chunk.h"

namespace leat {

class DecodePool {
 public:
  // `decode` is called by several threads at once.
  using Decode = std::function<void(uint64_t number, Chunk&& chunk)>;

  DecodePool(size_t threads, Decode decode) : decode_(std::move(decode)) {
    for (size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { work(); });
    }
  }
  DecodePool(const DecodePool&) = delete;
  DecodePool& operator=(const DecodePool&) = delete;
  ~DecodePool() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // How many chunks wait is bounded by whoever gives out the numbers.
  void submit(uint64_t number, Chunk&& chunk) {
    if (threads_.empty()) {
      decode_(number, std::move(chunk));
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back({number, std::move(chunk)});
    }
    wake_.notify_one();
  }

 private:
  struct Task {
    uint64_t number = 0;
    Chunk chunk;
  };

  void work() {
    for (;;) {
      Task task;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        task = std::move(waiting_.front());
        waiting_.pop_front();
      }
      decode_(task.number, std::move(task.chunk));
    }
  }

  Decode decode_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> waiting_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace leat
