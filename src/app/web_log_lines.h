#pragma once

// Access-log lines in nginx's combined format, as a busy site would have them: many visitors with an agent each, pages
// by Zipf's law, referers, statuses, escapes. The same seed, start and pace give the same lines on every machine.
// The URI of a line ends in its number, `n=1`, `n=2`, … without a hole; of every ten lines one repeats the line before
// it, byte for byte. One thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace leat::app {

// Numbers that are the same everywhere, which those of the standard library's distributions are not.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(mix64(seed)) {}
  uint64_t next() { return mix64(state_ += 0x9E3779B97F4A7C15ULL); }
  uint64_t below(uint64_t limit) { return (next() >> 32) * limit >> 32; }  // limit < 2^32

 private:
  uint64_t state_;
};

class WebLogLines {
 public:
  // `start`: microseconds since 1970 of the first line; on the average one line follows the other after `pace_micros`.
  WebLogLines(uint64_t seed, int64_t start, int64_t pace_micros);
  // Adds the next line, with its newline.
  void add(std::string& out);
  [[nodiscard]] int64_t clock() const { return clock_; }  // of the last line

 private:
  struct Visitor {
    uint32_t name = 0;  // where "ADDRESS - USER " stands in names_
    uint16_t name_length = 0;
    uint16_t agent = 0;  // of agents_
    bool bot = false;
    uint8_t protocol = 0;
  };
  struct Page {
    std::string uri;  // up to the number: ends in "?n=" or "&n="
    enum class Kind : uint8_t { page, asset, probe } kind = Kind::page;
    uint32_t bytes = 0;
  };

  void make_visitors(Random& random);
  void make_pages(Random& random);
  void make_referers(Random& random);
  void write_stamp(int64_t second);
  void put(std::string_view text);
  void put(uint64_t number);
  void make_line();

  std::vector<Visitor> visitors_;
  std::string names_;
  std::vector<std::string_view> agents_;  // the browsers, then the bots
  std::vector<Page> pages_;
  std::vector<uint16_t> page_draws_;  // page numbers as often as the page is asked for
  std::vector<std::string> referers_;
  Random random_;
  int64_t clock_;
  int64_t pace_micros_;
  int64_t stamp_second_ = INT64_MIN;
  std::string stamp_;  // "[01/Jan/2026:00:00:00 +0000]"
  uint64_t number_ = 0;
  uint64_t in_ten_ = 0;     // lines of the present ten
  uint64_t twin_ = 0;       // which of them repeats the one before
  std::vector<char> line_;  // as long as the longest line can be
  size_t line_size_ = 0;
};

}  // namespace leat::app
