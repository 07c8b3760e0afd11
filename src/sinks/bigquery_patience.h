#pragma once

// Waits between the tries of one thing: each up to twice the one before, a random part of it, from 1 s to 64 s, until
// nothing has gone on for too long. One thread, which waits.

#include <algorithm>
#include <cstdint>
#include <random>
#include <stop_token>
#include <utility>

#include "base/status.h"
#include "os/clock.h"

namespace leat {

class BigQueryPatience {
 public:
  BigQueryPatience(os::Clock& clock, uint64_t patience_ms, std::stop_token stop)
      : clock_(clock),
        patience_ms_(patience_ms),
        stop_(std::move(stop)),
        random_(static_cast<uint32_t>(clock.now_micros())) {
    begin();
  }
  // Something has gone on.
  void begin() {
    wait_ms_ = kFirstMs;
    end_ms_ = clock_.steady_ms() + patience_ms_;
  }
  // Waits, at least as long as `trouble` says. Gives it back when that would be too long; stopped.
  Status wait(Status trouble) {
    const uint64_t ms = std::max(wait_ms_ / 2 + random_() % (wait_ms_ / 2 + 1), trouble.retry_after_ms().value_or(0));
    if (clock_.steady_ms() + ms > end_ms_) return trouble;
    wait_ms_ = std::min(wait_ms_ * 2, kLongestMs);
    return clock_.wait_ms(ms, stop_) ? Status() : Status::stopped();
  }

 private:
  static constexpr uint64_t kFirstMs = 1000;
  static constexpr uint64_t kLongestMs = 64'000;

  os::Clock& clock_;
  uint64_t patience_ms_;
  std::stop_token stop_;
  std::minstd_rand random_;
  uint64_t wait_ms_ = kFirstMs;
  uint64_t end_ms_ = 0;
};

}  // namespace leat
