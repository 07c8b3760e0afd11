#include "aggregates/accumulator.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "aggregates/known_set.h"
#include "base/hash.h"

namespace leat {
namespace {

__extension__ using int128 = __int128;

AggregateValue integer_value(int64_t value) {
  AggregateValue result;
  result.kind = AggregateValue::Kind::integer;
  result.integer = value;
  return result;
}
AggregateValue real_value(double value) {
  AggregateValue result;
  result.kind = AggregateValue::Kind::real;
  result.real = value;
  return result;
}
AggregateValue text_value(std::string_view value) {
  AggregateValue result;
  result.kind = AggregateValue::Kind::text;
  result.text = value;
  return result;
}

template <class T>
size_t bytes_of(const std::vector<T>& values) {
  return values.capacity() * sizeof(T);
}

class Count final : public Accumulator {
 public:
  void grow(const BucketTable& table) override { counts_.resize(table.size()); }
  void add(const RecordBatch&, std::span<const Placed> rows) override {
    for (const Placed& placed : rows) ++counts_[placed.bucket];
  }
  void take_in(const Accumulator& part, std::span<const uint32_t> places, const RecordBatch&) override {
    const auto& counts = static_cast<const Count&>(part).counts_;
    for (size_t i = 0; i < places.size(); ++i) counts_[places[i]] += counts[i];
  }
  [[nodiscard]] AggregateValue value(size_t bucket) const override { return integer_value(counts_[bucket]); }
  void reset(std::span<const uint32_t> buckets) override {
    for (const uint32_t bucket : buckets) counts_[bucket] = 0;
  }
  void clear() override { counts_.clear(); }
  [[nodiscard]] size_t memory_bytes() const override { return bytes_of(counts_); }

 private:
  std::vector<int64_t> counts_;
};

// T: int128, which no number of rows can overflow; or double.
template <class T>
class Sum final : public Accumulator {
 public:
  Sum(size_t input, Type type) : input_(input), type_(type) {}
  void grow(const BucketTable& table) override { sums_.resize(table.size()); }
  void add(const RecordBatch& batch, std::span<const Placed> rows) override {
    for (const Placed& placed : rows) {
      const KeyCell cell = cell_of(batch, input_, type_, placed.row);
      if (cell.null) continue;
      Delta& delta = sums_[placed.bucket];
      delta.any = true;
      if constexpr (std::is_same_v<T, double>) {
        delta.sum += std::bit_cast<double>(cell.bits);
      } else {
        delta.sum += static_cast<int64_t>(cell.bits);
      }
    }
  }
  void take_in(const Accumulator& part, std::span<const uint32_t> places, const RecordBatch&) override {
    const auto& sums = static_cast<const Sum&>(part).sums_;
    for (size_t i = 0; i < places.size(); ++i) {
      sums_[places[i]].sum += sums[i].sum;
      sums_[places[i]].any |= sums[i].any;
    }
  }
  [[nodiscard]] AggregateValue value(size_t bucket) const override {
    const Delta& delta = sums_[bucket];
    if (!delta.any) return {};
    if constexpr (std::is_same_v<T, double>) {
      return real_value(delta.sum);
    } else {
      constexpr int128 kLeast = std::numeric_limits<int64_t>::min();
      constexpr int128 kMost = std::numeric_limits<int64_t>::max();
      return integer_value(static_cast<int64_t>(std::clamp(delta.sum, kLeast, kMost)));
    }
  }
  void reset(std::span<const uint32_t> buckets) override {
    for (const uint32_t bucket : buckets) sums_[bucket] = {};
  }
  void clear() override { sums_.clear(); }
  [[nodiscard]] size_t memory_bytes() const override { return bytes_of(sums_); }

 private:
  struct Delta {
    T sum = 0;
    bool any = false;
  };
  size_t input_;
  Type type_;
  std::vector<Delta> sums_;
};

class Extreme final : public Accumulator {
 public:
  Extreme(Measure measure, size_t input, Type type) : largest_(measure == Measure::max), input_(input), type_(type) {}
  void grow(const BucketTable& table) override { best_.resize(table.size()); }
  void add(const RecordBatch& batch, std::span<const Placed> rows) override {
    for (const Placed& placed : rows) compare(placed.bucket, cell_of(batch, input_, type_, placed.row), batch.arena);
  }
  void take_in(const Accumulator& part, std::span<const uint32_t> places, const RecordBatch&) override {
    const auto& other = static_cast<const Extreme&>(part);
    for (size_t i = 0; i < places.size(); ++i) compare(places[i], other.best_[i], other.arena_);
  }
  [[nodiscard]] AggregateValue value(size_t bucket) const override {
    const KeyCell& best = best_[bucket];
    if (best.null) return {};
    if (type_ == Type::text) return text_value(text_of(best));
    if (type_ == Type::real) return real_value(std::bit_cast<double>(best.bits));
    return integer_value(static_cast<int64_t>(best.bits));
  }
  void reset(std::span<const uint32_t> buckets) override {
    for (const uint32_t bucket : buckets) best_[bucket] = {};
    arena_.clear();
  }
  void clear() override {
    best_.clear();
    arena_.clear();
  }
  [[nodiscard]] size_t memory_bytes() const override { return bytes_of(best_) + arena_.capacity(); }

 private:
  template <class T>
  [[nodiscard]] bool better(const T& value, const T& than) const {
    return largest_ ? than < value : value < than;
  }
  // Takes `cell` if it is better than what the bucket has; its text stands in `arena`.
  void compare(size_t bucket, const KeyCell& cell, std::string_view arena) {
    if (cell.null) return;
    KeyCell& best = best_[bucket];
    if (type_ == Type::text) {
      const std::string_view text = arena.substr(text_offset(cell.bits), text_length(cell.bits));
      if (!best.null && !better(text, text_of(best))) return;
      best.bits = pack_text(arena_.size(), text.size());
      arena_.append(text);
    } else if (type_ == Type::real) {
      if (!best.null && !better(std::bit_cast<double>(cell.bits), std::bit_cast<double>(best.bits))) return;
      best.bits = cell.bits;
    } else {
      if (!best.null && !better(static_cast<int64_t>(cell.bits), static_cast<int64_t>(best.bits))) return;
      best.bits = cell.bits;
    }
    best.null = false;
  }
  [[nodiscard]] std::string_view text_of(const KeyCell& cell) const {
    return {arena_.data() + text_offset(cell.bits), text_length(cell.bits)};
  }
  bool largest_;
  size_t input_;
  Type type_;
  std::vector<KeyCell> best_;
  std::string arena_;
};

class CountDistinct final : public Accumulator {
 public:
  CountDistinct(size_t input, Type type, uint64_t seed, size_t known_bytes)
      : input_(input),
        type_(type),
        part_(known_bytes == 0),
        all_(known_bytes == SIZE_MAX),
        seed_(mix64(seed)),
        known_(known_bytes) {}

  // Bucket numbers begin anew now and then, so a known value is bound to the hash of its bucket's keys.
  void grow(const BucketTable& table) override {
    if (part_) return;
    for (size_t bucket = identities_.size(); bucket < table.size(); ++bucket) {
      identities_.push_back(table.identity(bucket));
    }
    if (all_) counts_.resize(table.size());
  }
  void add(const RecordBatch& batch, std::span<const Placed> rows) override {
    for (const Placed& placed : rows) {
      const KeyCell cell = cell_of(batch, input_, type_, placed.row);
      if (cell.null) continue;
      const Hash128 hash = is_text(type_) ? hash128(batch.text_of(cell.bits), seed_)
                                          : Hash128{mix64(cell.bits ^ seed_), mix64(cell.bits + seed_)};
      hashed_.push_back({hash, placed});
    }
  }
  void take_in(const Accumulator& part, std::span<const uint32_t> places, const RecordBatch& batch) override {
    const std::span<const Hashed> hashed = static_cast<const CountDistinct&>(part).hashed_;
    for (size_t at = 0; at < hashed.size(); at += kAtOnce) {
      take_few(hashed.subspan(at, std::min(kAtOnce, hashed.size() - at)), places, batch);
    }
  }
  [[nodiscard]] AggregateValue value(size_t bucket) const override {
    return all_ ? integer_value(counts_[bucket]) : AggregateValue();
  }
  [[nodiscard]] size_t memory_bytes() const override {
    return known_.memory_bytes() + bytes_of(identities_) + bytes_of(hashed_) + bytes_of(candidates_) +
           bytes_of(counts_) + arena_.capacity();
  }
  void reset(std::span<const uint32_t>) override {
    hashed_.clear();
    candidates_.clear();
    arena_.clear();
  }
  void clear() override {
    reset({});
    identities_.clear();
    counts_.clear();
  }
  void forget_known() override { known_.clear(); }

  Status for_each_candidate(const std::function<Status(size_t, AggregateValue)>& visit) override {
    const bool text = is_text(type_);
    std::sort(candidates_.begin(), candidates_.end(), [&](const Candidate& a, const Candidate& b) {
      if (a.bucket != b.bucket) return a.bucket < b.bucket;
      if (a.order != b.order) return a.order < b.order;
      return text && text_of(a) < text_of(b);
    });
    // What was forgotten in between may be here twice.
    const auto last = std::unique(candidates_.begin(), candidates_.end(), [&](const Candidate& a, const Candidate& b) {
      return a.bucket == b.bucket && a.order == b.order && (!text || text_of(a) == text_of(b));
    });
    candidates_.erase(last, candidates_.end());
    for (const Candidate& candidate : candidates_) {
      AggregateValue value;
      if (text) {
        value = text_value(text_of(candidate));
      } else if (type_ == Type::real) {
        value = real_value(std::bit_cast<double>(candidate.bits));
      } else {
        value = integer_value(static_cast<int64_t>(candidate.bits));
      }
      LEAT_TRY(visit(candidate.bucket, value));
    }
    return {};
  }

 private:
  struct Candidate {
    uint32_t bucket = 0;
    uint64_t order = 0;  // compares like the value; for text its first 8 bytes
    uint64_t bits = 0;
  };
  // A row's value that is not NULL.
  struct Hashed {
    Hash128 hash;
    Placed placed;
  };
  // Values whose places in the known-set are fetched together: it is larger than the processor's nearer caches.
  static constexpr size_t kAtOnce = 32;

  void take_few(std::span<const Hashed> values, std::span<const uint32_t> places, const RecordBatch& batch) {
    std::array<Hash128, kAtOnce> hashes;
    for (size_t i = 0; i < values.size(); ++i) {
      const Hash128& bucket = identities_[places[values[i].placed.bucket]];
      hashes[i] = {values[i].hash.high ^ bucket.high, values[i].hash.low ^ bucket.low};
      known_.prefetch(hashes[i]);
    }
    for (size_t i = 0; i < values.size(); ++i) {
      if (!known_.insert(hashes[i])) continue;
      const uint32_t bucket = places[values[i].placed.bucket];
      if (all_) {
        ++counts_[bucket];
        continue;
      }
      const uint64_t bits = cell_of(batch, input_, type_, values[i].placed.row).bits;
      if (is_text(type_)) {
        const std::string_view value = batch.text_of(bits);
        candidates_.push_back({bucket, prefix(value), pack_text(arena_.size(), value.size())});
        arena_.append(value);
      } else {
        candidates_.push_back({bucket, order(bits), bits});
      }
    }
  }
  [[nodiscard]] std::string_view text_of(const Candidate& candidate) const {
    return {arena_.data() + text_offset(candidate.bits), text_length(candidate.bits)};
  }
  static uint64_t prefix(std::string_view text) {
    unsigned char bytes[8] = {};
    if (!text.empty()) std::memcpy(bytes, text.data(), std::min<size_t>(8, text.size()));
    uint64_t word = 0;
    for (const unsigned char byte : bytes) word = (word << 8) | byte;
    return word;
  }
  [[nodiscard]] uint64_t order(uint64_t bits) const {
    constexpr uint64_t kSign = 1ULL << 63;
    if (type_ == Type::real && (bits & kSign) != 0) return ~bits;
    return bits ^ kSign;
  }

  size_t input_;
  Type type_;
  const bool part_;
  const bool all_;
  uint64_t seed_;
  KnownSet known_;
  std::vector<Hash128> identities_;  // of the buckets
  std::vector<Hashed> hashed_;       // of rows; parts become candidates
  std::vector<Candidate> candidates_;
  std::vector<int64_t> counts_;  // of the buckets, when it holds all
  std::string arena_;
};

}  // namespace

Status Accumulator::for_each_candidate(const std::function<Status(size_t, AggregateValue)>&) {
  return {};
}

std::unique_ptr<Accumulator> make_accumulator(Measure measure, size_t input, Type type, uint64_t seed,
                                              size_t known_bytes) {
  switch (measure) {
    case Measure::count:
      break;
    case Measure::sum:
      if (type == Type::real) return std::make_unique<Sum<double>>(input, type);
      return std::make_unique<Sum<int128>>(input, type);
    case Measure::min:
    case Measure::max:
      return std::make_unique<Extreme>(measure, input, type);
    case Measure::count_distinct:
      return std::make_unique<CountDistinct>(input, type, seed, known_bytes);
  }
  return std::make_unique<Count>();
}

}  // namespace leat
