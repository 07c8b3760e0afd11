#pragma once

// The bounded queue between the reader and the sink of a pipeline. The reader takes a number for each item, in order;
// whoever has made the item fills its place, in any order; the sink takes the items in the order of their numbers.
// Counted in items and capped in bytes, from the taking of the number on: a full queue blocks the reader.
// One thread takes numbers, one pops; fill() and close() by any.

#include <chrono>
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
  enum class What : uint8_t { batch, idle, trouble, end };
  What what = What::idle;
  std::optional<RecordBatch> batch;
  Rejects rejects;
  Range range;     // of the chunk; its counts are filled in when it is written
  Position end;    // the position after it
  Status failure;  // of an `end`: why the reader ended; ok or stopped: as it should. Of a `trouble`: why a part failed
  uint64_t wait_ms = 0;  // of a `trouble`: until the part is taken up again
};

class OrderedQueue {
 public:
  OrderedQueue(size_t max_items, uint64_t max_bytes) : max_items_(max_items), max_bytes_(max_bytes) {}

  // Blocks while the queue is full; one item always fits. `bytes`: the memory it will hold, about. Nothing: closed.
  std::optional<uint64_t> take_number(uint64_t bytes) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] {
      return closed_ || places_.empty() || (places_.size() < max_items_ && bytes_ + bytes <= max_bytes_);
    });
    if (closed_) return std::nullopt;
    bytes_ += bytes;
    places_.push_back({bytes, std::nullopt});
    return first_ + places_.size() - 1;
  }

  void fill(uint64_t number, QueueItem item) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    places_[number - first_].item = std::move(item);
    if (number == first_) filled_.notify_one();
  }

  // The next item in order; nothing after `timeout_ms` without it, or when closed.
  std::optional<QueueItem> pop(uint64_t timeout_ms) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                     [&] { return closed_ || (!places_.empty() && places_.front().item); });
    if (closed_ || places_.empty() || !places_.front().item) return std::nullopt;
    QueueItem item = *std::move(places_.front().item);
    bytes_ -= places_.front().bytes;
    places_.pop_front();
    ++first_;
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
  struct Place {
    uint64_t bytes = 0;
    std::optional<QueueItem> item;
  };
  const size_t max_items_;
  const uint64_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::deque<Place> places_;
  uint64_t first_ = 0;  // number of places_.front()
  uint64_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace leat
