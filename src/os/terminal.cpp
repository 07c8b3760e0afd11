#include "os/terminal.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace leat::os {

bool is_terminal(int descriptor) {
  return ::isatty(descriptor) == 1;
}

size_t terminal_width(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
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
      if (!stop_.request_stop()) ::_exit(130);
    }
  });
}

StopOnSignals::~StopOnSignals() {
  ::pthread_kill(waiter_.native_handle(), SIGUSR1);
  waiter_.join();
  ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

}  // namespace leat::os
