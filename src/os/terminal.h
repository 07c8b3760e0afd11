#pragma once

// The terminal this process may be attached to, and the signals that ask it to stop.

#include <csignal>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

namespace leat::os {

bool is_terminal(int descriptor);

// An environment variable; empty when it is not set.
std::string environment(const char* name);

// While it lives, the first SIGINT or SIGTERM requests a stop, a second one leaves at once with status 130, and a
// write to a closed pipe is an error of that write, not the end of the process. To be made before any other thread.
class StopOnSignals {
 public:
  StopOnSignals();
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;
  ~StopOnSignals();
  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  sigset_t signals_{};
  std::thread waiter_;
};

}  // namespace leat::os
