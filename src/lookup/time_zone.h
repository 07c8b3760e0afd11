#pragma once

// Local time of an IANA time zone, from the machine's zone data (package tzdata), for bucketing: fast for times near
// each other. One thread per TimeZone.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace leat {

class TimeZone {
 public:
  // "UTC", "Europe/Berlin". bad_config: there is no such zone (with a suggestion).
  static Result<TimeZone> find(const std::string& name);
  // The machine's zone name; "UTC" when it cannot be told.
  static std::string machine_zone();

  // Seconds to add to UTC seconds since 1970 to get local seconds.
  int64_t offset_at(int64_t utc_seconds) {
    if (utc_seconds < begin_ || utc_seconds >= end_) load(utc_seconds);
    return offset_;
  }

 private:
  void load(int64_t utc_seconds);
  const void* zone_ = nullptr;  // the library's zone, which lives as long as the program
  int64_t begin_ = 0;
  int64_t end_ = 0;
  int64_t offset_ = 0;
};

}  // namespace leat
