#pragma once

// Time as the machine tells it, and waiting. Any thread.

#include <cstdint>
#include <stop_token>

namespace leat::os {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  virtual int64_t now_micros() = 0;  // since 1970-01-01T00:00:00Z; may jump
  virtual uint64_t steady_ms() = 0;  // since some start; never jumps back
  // Waits; false when `stop` was asked for before the time was over.
  virtual bool wait_ms(uint64_t ms, const std::stop_token& stop) = 0;
};

// The real one; lives as long as the program.
Clock& clock();

}  // namespace leat::os
