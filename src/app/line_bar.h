#pragma once

// The live block of a command that writes lines: a bar, the rate and the remaining time. One thread.

#include <cstdint>

#include "app/talk.h"
#include "os/clock.h"

namespace leat::app {

class LineBar {
 public:
  // `total`: lines to be written; 0: no end.
  LineBar(uint64_t total, os::Clock& clock, Talk& talk)
      : total_(total), clock_(clock), talk_(talk), started_ms_(clock.steady_ms()) {}
  // Draws how far it is, at most four times a second.
  void look(uint64_t lines);

 private:
  uint64_t total_;
  os::Clock& clock_;
  Talk& talk_;
  uint64_t started_ms_;
  uint64_t drawn_ms_ = 0;
};

}  // namespace leat::app
