#pragma once

// How far a run is, in the words of the live block: rate over the last seconds, a bar and the remaining time while a
// backlog is worked off, one quiet line afterwards. One thread.

#include <cstdint>
#include <deque>
#include <string>

#include "engine/engine.h"

namespace leat::app {

// "[=====>    ]" with `width` characters between the brackets; `share` from 0 to 1.
std::string bar(double share, size_t width);

// 1234 → "1,234", 310000 → "310k", 3100000 → "3.1M": a rate, at a glance.
std::string human_rate(double per_second);

class Progress {
 public:
  // in_rows: the source's positions, and so the backlog, are of rows, not of bytes.
  explicit Progress(std::string name, bool in_rows = false) : name_(std::move(name)), in_rows_(in_rows) {}

  // What is there at `now_ms` (os::Clock::steady_ms).
  void look(const LiveStatus& live, uint64_t now_ms);
  [[nodiscard]] double rows_per_second() const;
  [[nodiscard]] double bytes_per_second() const;
  // One line for the live block; `more` stands at its end.
  [[nodiscard]] std::string line(const std::string& more) const;
  // The same while nothing runs until a time; both as os::Clock::now_micros.
  [[nodiscard]] std::string line_until(int64_t next_micros, int64_t now_micros) const;

 private:
  [[nodiscard]] std::string counts() const;
  struct Sample {
    uint64_t at_ms = 0;
    uint64_t rows = 0;
    uint64_t bytes = 0;
  };
  [[nodiscard]] double per_second(uint64_t Sample::*counter) const;

  std::string name_;
  bool in_rows_;
  LiveStatus live_;
  std::deque<Sample> samples_;  // of the last seconds
  bool working_off_ = true;     // the backlog of the start is not yet taken in
};

}  // namespace leat::app
