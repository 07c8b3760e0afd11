#pragma once

// A sum that forgets nothing: what was added can be taken away again, in any order, and the rest is exact. Doubles that
// do not overlap hold it (J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997); integers are added as
// two of them. Values of 1e308 and beyond that make a partial sum overflow are the one thing that does not come back.
// Plain value; one thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leat {

class ExactSum {
 public:
  // `times`: 1, or -1 to take it away.
  void add(double value, int times);
  void add(int64_t value, int times);
  void add(const ExactSum& other);

  // Nothing was added, or all of it was taken away again.
  [[nodiscard]] bool empty() const { return values_ == 0; }
  // Rounded; not a number where both infinities are in it.
  [[nodiscard]] double real() const;
  // Of integers only: held at the limits of 64 bits.
  [[nodiscard]] int64_t integer() const;

  // docs/formats/database.md, "Aggregates of rows that change". restore: false when `saved` is not of that form.
  [[nodiscard]] std::string save() const;
  bool restore(std::string_view saved);

 private:
  void add_part(double value);

  int64_t values_ = 0;  // how many were added
  int64_t plus_infinite_ = 0;
  int64_t minus_infinite_ = 0;
  std::vector<double> parts_;  // the smallest first
};

}  // namespace leat
