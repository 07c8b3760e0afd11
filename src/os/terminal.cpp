#include "os/terminal.h"

#include <pthread.h>
#include <unistd.h>

#include <cstdlib>

#include "os/screen.h"

namespace leat::os {

bool is_terminal(int descriptor) {
  return ::isatty(descriptor) == 1;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The signals are blocked in every thread and taken by one that waits for them: no code runs in a signal handler.
// SIGUSR1, which nobody else sends on purpose, tells that thread to end.
StopOnSignals::StopOnSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  ::sigemptyset(&signals_);
  ::sigaddset(&signals_, SIGINT);
  ::sigaddset(&signals_, SIGTERM);
  ::sigaddset(&signals_, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  waiter_ = std::thread([this] {
    int signal = 0;
    while (::sigwait(&signals_, &signal) == 0 && signal != SIGUSR1) {
      if (stop_.request_stop()) continue;
      restore_terminal();
      ::_exit(130);
    }
  });
}

StopOnSignals::~StopOnSignals() {
  ::pthread_kill(waiter_.native_handle(), SIGUSR1);
  waiter_.join();
  ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

}  // namespace leat::os
