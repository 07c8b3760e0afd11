#pragma once

// The bar of a command that goes through the rows of a database: share, rate, remaining time; drawn at most four times
// a second, on a terminal only. One thread.

#include <cstdint>
#include <string>

#include "app/talk.h"

namespace leat::app {

class RowsBar {
 public:
  RowsBar(Talk& talk, std::string name);
  // `total` may be an estimate; 0: nothing is drawn.
  void operator()(uint64_t done, uint64_t total);

 private:
  Talk& talk_;
  std::string name_;
  uint64_t started_ms_;
  uint64_t drawn_ms_ = 0;
};

}  // namespace leat::app
