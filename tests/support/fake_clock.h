#pragma once

// A clock that goes on only when somebody waits or advances it. Any thread.

#include <atomic>

#include "os/clock.h"

namespace leat::testing {

class FakeClock final : public os::Clock {
 public:
  int64_t now_micros() override { return start_micros_ + static_cast<int64_t>(ms_.load()) * 1000; }
  uint64_t steady_ms() override { return ms_; }
  bool wait_ms(uint64_t ms, const std::stop_token& stop) override {
    ms_ += ms;
    ++waits_;
    return !stop.stop_requested();
  }
  void advance_ms(uint64_t ms) { ms_ += ms; }
  void set_now_micros(int64_t micros) { start_micros_ = micros - static_cast<int64_t>(ms_.load()) * 1000; }
  [[nodiscard]] uint64_t waits() const { return waits_; }

 private:
  std::atomic<int64_t> start_micros_ = 1'700'000'000'000'000;
  std::atomic<uint64_t> ms_ = 1;
  std::atomic<uint64_t> waits_ = 0;
};

}  // namespace leat::testing
