#include "aggregates/aggregate.h"

#include <algorithm>
#include <bit>
#include <mutex>

#include "aggregates/accumulator.h"
#include "aggregates/aggregate_limits.h"
#include "aggregates/binding.h"
#include "aggregates/bucket_table.h"
#include "aggregates/computed.h"
#include "aggregates/key_cells.h"

namespace leat {
namespace {

// The buckets of some rows of one batch.
struct Part final : Counted {
  Part(const Binding& binding, uint64_t seed) : computed(binding.computed), table(text_keys(binding), seed) {
    for (const BoundMeasure& bound : binding.measures) {
      measures.push_back(make_accumulator(bound.measure, bound.input, bound.type, seed, 0));
    }
  }
  void clear() {
    table.clear();
    for (const auto& measure : measures) measure->clear();
  }

  Computed computed;  // of the rows
  BucketTable table;
  std::vector<std::unique_ptr<Accumulator>> measures;
};

// Counts: rows are first placed in buckets, then each measure takes the placed rows.
class Counter {
 public:
  // `binding` must outlive it.
  Counter(const Binding& binding, uint64_t seed) : binding_(binding), keys_(binding, seed) {}

  // `wanted`: only rows whose bucket is there; null: all.
  void count(const RecordBatch& batch, size_t first, size_t count, const BucketTable* wanted, Part& part) {
    part.computed.evaluate(batch, first, count);
    for (size_t at = 0; at < count; at += kRowsAtOnce) {
      place(batch, first + at, std::min(kRowsAtOnce, count - at), wanted, part);
      for (size_t i = 0; i < part.measures.size(); ++i) {
        part.measures[i]->grow(part.table);
        part.measures[i]->add(part.computed.source(binding_.measures[i].computed, batch), placed_);
      }
    }
  }

 private:
  // So many rows' cells stay in the processor's nearest cache.
  static constexpr size_t kRowsAtOnce = 512;

  void place(const RecordBatch& batch, size_t first, size_t count, const BucketTable* wanted, Part& part) {
    keys_.evaluate(batch, part.computed, first, count);
    const Texts texts = keys_.texts(batch);
    BucketTable& table = part.table;
    if (wanted == nullptr) {
      placed_.resize(count);
      table.place(keys_.cells(), texts, static_cast<uint32_t>(first), count, placed_.data());
      return;
    }
    placed_.clear();
    for (size_t i = 0; i < count; ++i) {
      const KeyCell* cells = keys_.of_row(i);
      if (wanted->find(cells, texts) == BucketTable::kNone) continue;
      placed_.push_back({static_cast<uint32_t>(first + i), table.find_or_add(cells, texts)});
    }
  }

  const Binding& binding_;
  KeyCells keys_;  // of the rows at hand
  std::vector<Placed> placed_;
};

// Things that threads use in turn, kept for their memory. The one used last is the first to be used again: it may still
// be in the processor's cache.
template <class T>
class Pool {
 public:
  template <class... Arguments>
  std::unique_ptr<T> take(const Arguments&... arguments) {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<T> taken = std::move(idle_.back());
        idle_.pop_back();
        return taken;
      }
    }
    return std::make_unique<T>(arguments...);
  }
  void give_back(std::unique_ptr<T> taken) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(taken));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_;
};

// The only Aggregate there is: takes in what was counted batch by batch. The places of buckets in `table_` stay from
// commit to commit; to others a bucket is its number in `touched_`.
class Buckets final : public Aggregate {
 public:
  Buckets(AggregateSpec spec, Binding binding, size_t known_bytes)
      : spec_(std::move(spec)),
        binding_(std::move(binding)),
        known_bytes_(known_bytes),
        // Of no meaning, but not to be guessed by whoever writes the data: where this object was put.
        seed_(mix64(reinterpret_cast<uintptr_t>(this))),
        keys_(make_keys(binding_, seed_)),
        table_(text_keys(binding_), seed_) {
    for (const BoundMeasure& bound : binding_.measures) {
      measures_.push_back(make_accumulator(bound.measure, bound.input, bound.type, seed_, known_bytes));
    }
  }

  [[nodiscard]] const AggregateSpec& spec() const override { return spec_; }
  [[nodiscard]] const std::vector<AggregateColumn>& columns() const override { return binding_.columns; }
  [[nodiscard]] const std::vector<size_t>& inputs() const override { return binding_.inputs; }

  [[nodiscard]] std::unique_ptr<Counted> count(const RecordBatch& batch) const override {
    return count(batch, 0, batch.rows(), nullptr);
  }
  void add(const RecordBatch& batch, std::unique_ptr<Counted> counted) override {
    take_in(batch, std::unique_ptr<Part>(static_cast<Part*>(counted.release())));
  }
  void add(const RecordBatch& batch, size_t first, size_t count) override {
    take_in(batch, this->count(batch, first, count, nullptr));
  }
  void add_where_in(const Aggregate& touched, const RecordBatch& batch, size_t first, size_t count) override {
    take_in(batch, this->count(batch, first, count, &static_cast<const Buckets&>(touched).table_));
  }

  [[nodiscard]] size_t buckets() const override { return touched_.size(); }
  [[nodiscard]] size_t place(size_t bucket) const override { return touched_[bucket]; }

  [[nodiscard]] AggregateValue value(size_t bucket, size_t column) const override {
    const size_t place = touched_[bucket];
    if (column >= keys_.size()) return measures_[column - keys_.size()]->value(place);
    const KeyCell& cell = table_.key(place, column);
    AggregateValue result;
    if (cell.null) return result;
    if (keys_[column].shown_as_text()) {
      result.kind = AggregateValue::Kind::text;
      result.text = keys_[column].shown_text(static_cast<int64_t>(cell.bits));
    } else if (keys_[column].text()) {
      result.kind = AggregateValue::Kind::text;
      result.text = table_.text(place, column);
    } else if (binding_.columns[column].type == Type::real) {
      result.kind = AggregateValue::Kind::real;
      result.real = std::bit_cast<double>(cell.bits);
    } else {
      result.kind = AggregateValue::Kind::integer;
      result.integer = static_cast<int64_t>(cell.bits);
    }
    return result;
  }

  void for_each_candidate(size_t column, const std::function<Status(size_t bucket, AggregateValue value)>& visit,
                          Status* outcome) override {
    if (column < keys_.size()) return;
    *outcome = measures_[column - keys_.size()]->for_each_candidate(
        [&](size_t place, AggregateValue value) { return visit(numbers_[place], value); });
  }

  [[nodiscard]] size_t memory_bytes() const override {
    size_t bytes = table_.memory_bytes() + (touched_.capacity() + numbers_.capacity()) * sizeof(uint32_t);
    for (const auto& measure : measures_) bytes += measure->memory_bytes();
    return bytes;
  }

  bool committed() override {
    for (Key& key : keys_) key.forget();
    if (table_.used_bytes() > known_bytes_) {
      clear();
      return false;
    }
    for (const auto& measure : measures_) measure->reset(touched_);
    for (const uint32_t place : touched_) numbers_[place] = BucketTable::kNone;
    touched_.clear();
    return true;
  }
  void rolled_back() override {
    clear();
    for (const auto& measure : measures_) measure->forget_known();
  }

 private:
  [[nodiscard]] std::unique_ptr<Part> count(const RecordBatch& batch, size_t first, size_t count,
                                            const BucketTable* wanted) const {
    std::unique_ptr<Part> part = parts_.take(binding_, seed_);
    std::unique_ptr<Counter> counter = counters_.take(binding_, seed_);
    counter->count(batch, first, count, wanted, *part);
    counters_.give_back(std::move(counter));
    return part;
  }

  void take_in(const RecordBatch& batch, std::unique_ptr<Part> part) {
    places_.resize(part->table.size());
    table_.add_all(part->table, places_.data());
    numbers_.resize(table_.size(), BucketTable::kNone);
    for (const uint32_t place : places_) {
      if (numbers_[place] != BucketTable::kNone) continue;
      numbers_[place] = static_cast<uint32_t>(touched_.size());
      touched_.push_back(place);
    }
    for (size_t i = 0; i < measures_.size(); ++i) {
      measures_[i]->grow(table_);
      measures_[i]->take_in(*part->measures[i], places_, part->computed.source(binding_.measures[i].computed, batch));
    }
    part->clear();
    parts_.give_back(std::move(part));
  }

  void clear() {
    table_.clear();
    touched_.clear();
    numbers_.clear();
    for (const auto& measure : measures_) measure->clear();
  }

  const AggregateSpec spec_;
  const Binding binding_;
  const size_t known_bytes_;  // for the buckets' keys, and for the values of each count_distinct
  const uint64_t seed_;
  std::vector<Key> keys_;  // to show them
  std::vector<std::unique_ptr<Accumulator>> measures_;
  BucketTable table_;
  std::vector<uint32_t> touched_;  // places in table_
  std::vector<uint32_t> numbers_;  // of each place: where it is in touched_; kNone: it is not
  std::vector<uint32_t> places_;   // of the buckets of the part at hand

  mutable Pool<Counter> counters_;
  mutable Pool<Part> parts_;
};

}  // namespace

void add_prepared(Aggregate& aggregate, size_t at, const RecordBatch& batch, size_t first, size_t count) {
  std::unique_ptr<Counted> counted;
  if (batch.prepared != nullptr && first == 0 && count == batch.rows()) {
    counted = std::move(static_cast<CountedBatch&>(*batch.prepared).counted[at]);
  }
  if (counted != nullptr) {
    aggregate.add(batch, std::move(counted));
  } else {
    aggregate.add(batch, first, count);
  }
}

Result<std::unique_ptr<Aggregate>> bind_with_known_bytes(const AggregateSpec& spec, const Schema& schema,
                                                         size_t known_bytes) {
  LEAT_ASSIGN(Binding binding, bind_aggregate(spec, schema));
  return std::unique_ptr<Aggregate>(std::make_unique<Buckets>(spec, std::move(binding), known_bytes));
}

Result<std::unique_ptr<Aggregate>> Aggregate::bind(const AggregateSpec& spec, const Schema& schema, Keeping keeping) {
  return bind_with_known_bytes(spec, schema, keeping == Keeping::all ? kUnbounded : kKnownBytes);
}

}  // namespace leat
