#pragma once

// The bounded queue between the reader and the sink of a pipeline: counted in items and capped in bytes. A full queue
// blocks the reader. One thread pushes, one pops; close() by either.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "base/status.h"
#include "data/position.h"
#include "data/record_batch.h"
#include "data/reject.h"

namespace leat {

// A decoded chunk, or a word of the source.
struct QueueItem {
  enum class What : uint8_t { batch, idle, end };
  What what = What::idle;
  std::optional<RecordBatch> batch;
  Rejects rejects;
  Range range;         // of the chunk; its counts are filled in when it is written
  Position end;        // the position after it
  uint64_t bytes = 0;  // memory it holds, about
  Status failure;      // of an `end`: why the reader ended; ok or stopped: as it should
};

class BatchQueue {
 public:
  BatchQueue(size_t max_items, uint64_t max_bytes) : max_items_(max_items), max_bytes_(max_bytes) {}

  // Blocks while the queue is full; one item always fits. False: closed, the item is dropped.
  bool push(QueueItem item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] {
      return closed_ || items_.empty() || (items_.size() < max_items_ && bytes_ + item.bytes <= max_bytes_);
    });
    if (closed_) return false;
    bytes_ += item.bytes;
    items_.push_back(std::move(item));
    filled_.notify_one();
    return true;
  }

  // Nothing after `timeout_ms` without an item, or when closed.
  std::optional<QueueItem> pop(uint64_t timeout_ms) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return closed_ || !items_.empty(); });
    if (closed_ || items_.empty()) return std::nullopt;
    QueueItem item = std::move(items_.front());
    items_.pop_front();
    bytes_ -= item.bytes;
    room_.notify_one();
    return item;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    room_.notify_all();
    filled_.notify_all();
  }

 private:
  const size_t max_items_;
  const uint64_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::deque<QueueItem> items_;
  uint64_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace leat
