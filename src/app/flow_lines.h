#pragma once

// Network flows as in the LANL data set "cyber1" (flows.txt), comma-separated: time, duration, source computer and
// port, destination computer and port, protocol, packets, bytes. The shares of protocols, of known and hidden ports, of
// port 445 and of exactly repeated lines are those of the real file. The same settings give the same lines on every
// machine. One thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "app/web_log_lines.h"

namespace leat::app {

struct FlowSettings {
  uint64_t rows = 10'000;  // 0: no end
  uint64_t seed = 1;
  uint64_t broken = 0;  // each so-manieth line has a field too few or too many; 0: none has
};

class FlowLines {
 public:
  explicit FlowLines(const FlowSettings& settings);
  // Adds the next line, with its newline. Times ascend from 1: as densely as in the real file (41.6 rows a second), or
  // spread over two days where the rows are too few for that.
  void add(std::string& out);

 private:
  void put(std::string_view text);
  void put(uint64_t number);
  void put_port(bool known);
  void make_line();

  uint64_t broken_;
  double seconds_per_row_;
  Random random_;
  uint64_t number_ = 0;  // of the line, from 1
  char line_[128] = {};  // without the newline; the last one that was not broken
  size_t size_ = 0;
  size_t last_field_ = 0;  // where its comma stands
};

}  // namespace leat::app
