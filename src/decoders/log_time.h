#pragma once

// The time of an access log, "22/Nov/2026:13:39:28 +0000" (docs/formats/web-log.md §4). One thread for each LogClock.

#include <array>
#include <cstdint>
#include <string_view>

namespace leat {

constexpr size_t kLogTimeSize = 26;

// What `text` must have where it first differs from the form, as it is said in a reject; empty when its first
// kLogTimeSize bytes have it. A shorter text differs at its end at the latest. `*at`: the place.
std::string_view log_time_mismatch(std::string_view text, size_t* at);

// Reads times; remembers the last minute and zone, since neighbours in a log mostly share them.
class LogClock {
 public:
  // `text`: kLogTimeSize bytes. Microseconds since 1970 UTC; false when it is no time.
  bool read(std::string_view text, int64_t* micros) {
    if (text.substr(0, kMinuteSize) != std::string_view(minute_.data(), kMinuteSize) ||
        text.substr(20) != std::string_view(zone_.data(), kZoneSize)) {
      return read_new(text, micros);
    }
    const auto tens = static_cast<unsigned>(text[18] - '0');
    const auto ones = static_cast<unsigned>(text[19] - '0');
    if (tens > 9 || ones > 9) return false;
    const unsigned seconds = tens * 10 + ones;
    *micros = minute_micros_ + static_cast<int64_t>(seconds) * 1'000'000;
    return seconds <= 60;
  }

 private:
  static constexpr size_t kMinuteSize = 18;  // "22/Nov/2026:13:39:"
  static constexpr size_t kZoneSize = 6;     // " +0000"
  bool read_new(std::string_view text, int64_t* micros);

  std::array<char, kMinuteSize> minute_{'0', '1', '/', 'J', 'a', 'n', '/', '1', '9',
                                        '7', '0', ':', '0', '0', ':', '0', '0', ':'};
  std::array<char, kZoneSize> zone_{' ', '+', '0', '0', '0', '0'};
  int64_t minute_micros_ = 0;
};

}  // namespace leat
