#include "os/clock.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace leat::os {
namespace {

class SystemClock final : public Clock {
 public:
  int64_t now_micros() override {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  uint64_t steady_ms() override {
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
            .count());
  }
  bool wait_ms(uint64_t ms, const std::stop_token& stop) override {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, std::chrono::milliseconds(ms), [] { return false; });
    return !stop.stop_requested();
  }
};

}  // namespace

Clock& clock() {
  static SystemClock real;
  return real;
}

}  // namespace leat::os
