#include "aggregates/exact_sum.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace leat {
namespace {

__extension__ using int128 = __int128;

constexpr size_t kCounts = 3;
constexpr size_t kWord = 8;

}  // namespace

void ExactSum::add_part(double value) {
  size_t kept = 0;
  for (double part : parts_) {
    if (std::abs(value) < std::abs(part)) std::swap(value, part);
    const double sum = value + part;
    const double rest = part - (sum - value);
    if (rest != 0) parts_[kept++] = rest;
    value = sum;
  }
  parts_.resize(kept);
  if (value != 0) parts_.push_back(value);
}

void ExactSum::add(double value, int times) {
  values_ += times;
  if (std::isinf(value)) {
    (value > 0 ? plus_infinite_ : minus_infinite_) += times;
  } else {
    add_part(times * value);
  }
}

void ExactSum::add(int64_t value, int times) {
  values_ += times;
  const int64_t high = value >> 32;  // of a negative one: rounded down
  add_part(times * std::ldexp(static_cast<double>(high), 32));
  add_part(times * static_cast<double>(value & 0xFFFFFFFF));
}

void ExactSum::add(const ExactSum& other) {
  values_ += other.values_;
  plus_infinite_ += other.plus_infinite_;
  minus_infinite_ += other.minus_infinite_;
  for (const double part : other.parts_) add_part(part);
}

double ExactSum::real() const {
  const double infinity = std::numeric_limits<double>::infinity();
  if (plus_infinite_ > 0 && minus_infinite_ > 0) return std::numeric_limits<double>::quiet_NaN();
  if (plus_infinite_ > 0) return infinity;
  if (minus_infinite_ > 0) return -infinity;
  double sum = 0;
  for (const double part : parts_) sum += part;
  return sum;
}

int64_t ExactSum::integer() const {
  int128 sum = 0;
  for (const double part : parts_) sum += static_cast<int128>(part);
  constexpr int128 kLeast = std::numeric_limits<int64_t>::min();
  constexpr int128 kMost = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::clamp(sum, kLeast, kMost));
}

std::string ExactSum::save() const {
  std::string saved((kCounts + parts_.size()) * kWord, '\0');
  const int64_t counts[kCounts] = {values_, plus_infinite_, minus_infinite_};
  std::memcpy(saved.data(), counts, sizeof(counts));
  if (!parts_.empty()) std::memcpy(saved.data() + sizeof(counts), parts_.data(), parts_.size() * kWord);
  return saved;
}

bool ExactSum::restore(std::string_view saved) {
  if (saved.size() < kCounts * kWord || saved.size() % kWord != 0) return false;
  int64_t counts[kCounts];
  std::memcpy(counts, saved.data(), sizeof(counts));
  values_ = counts[0];
  plus_infinite_ = counts[1];
  minus_infinite_ = counts[2];
  parts_.resize(saved.size() / kWord - kCounts);
  if (!parts_.empty()) std::memcpy(parts_.data(), saved.data() + sizeof(counts), parts_.size() * kWord);
  return true;
}

}  // namespace leat
