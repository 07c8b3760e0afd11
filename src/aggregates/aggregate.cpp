#include "aggregates/aggregate.h"

#include "aggregates/accumulator.h"
#include "aggregates/aggregate_limits.h"
#include "aggregates/binding.h"
#include "aggregates/bucket_table.h"
#include "aggregates/computed.h"

namespace leat {
namespace {

// The only Aggregate there is. Rows are first placed in buckets, then each measure takes the placed rows. The places of
// buckets in `table_` stay from commit to commit; to others a bucket is its number in `touched_`.
class Buckets final : public Aggregate {
 public:
  Buckets(AggregateSpec spec, Binding binding, size_t known_bytes)
      : spec_(std::move(spec)),
        columns_(std::move(binding.columns)),
        inputs_(std::move(binding.inputs)),
        known_bytes_(known_bytes),
        // Of no meaning, but not to be guessed by whoever writes the data: where this object was put.
        seed_(mix64(reinterpret_cast<uintptr_t>(this))),
        table_(text_keys(binding), seed_) {
    if (!binding.computed.empty()) computed_ = std::make_unique<Computed>(binding.computed);
    for (const BoundKey& key : binding.keys) {
      keys_.emplace_back(key.function, key.input, key.type, binding.zone, mix64(seed_));
      key_computed_.push_back(key.computed);
    }
    for (const BoundMeasure& bound : binding.measures) {
      measure_computed_.push_back(bound.computed);
      measures_.push_back(make_accumulator(bound.measure, bound.input, bound.type, seed_, known_bytes));
    }
  }

  [[nodiscard]] const AggregateSpec& spec() const override { return spec_; }
  [[nodiscard]] const std::vector<AggregateColumn>& columns() const override { return columns_; }
  [[nodiscard]] const std::vector<size_t>& inputs() const override { return inputs_; }

  void add(const RecordBatch& batch, size_t first, size_t count) override {
    const Texts texts = evaluate(batch, first, count);
    placed_.resize(count);
    table_.place(cells_.data(), texts, static_cast<uint32_t>(first), count, placed_.data());
    accumulate(batch);
  }

  void add_where_in(const Aggregate& touched, const RecordBatch& batch, size_t first, size_t count) override {
    const BucketTable& wanted = static_cast<const Buckets&>(touched).table_;
    const Texts texts = evaluate(batch, first, count);
    placed_.clear();
    for (size_t i = 0; i < count; ++i) {
      const KeyCell* cells = &cells_[i * keys_.size()];
      if (wanted.find(cells, texts) == BucketTable::kNone) continue;
      placed_.push_back({static_cast<uint32_t>(first + i), table_.find_or_add(cells, texts)});
    }
    accumulate(batch);
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
    } else if (columns_[column].type == Type::real) {
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
  static std::vector<bool> text_keys(const Binding& binding) {
    std::vector<bool> text;
    for (const BoundKey& key : binding.keys) {
      text.push_back(is_text(key.type) && key.function != KeyFunction::browser);
    }
    return text;
  }

  Texts evaluate(const RecordBatch& batch, size_t first, size_t count) {
    cells_.resize(count * keys_.size());
    made_.clear();
    if (computed_ != nullptr) {
      computed_columns_ = &computed_->of(batch, first, count);
      made_ = computed_columns_->arena;
    }
    for (size_t k = 0; k < keys_.size(); ++k) {
      KeyCell* const cells = cells_.data() + k;
      const RecordBatch& from = key_computed_[k] ? *computed_columns_ : batch;
      keys_[k].evaluate(from, first, count, cells, keys_.size(), made_);
      if (!key_computed_[k] || !keys_[k].text()) continue;
      // Its text stands behind the batch's own.
      for (size_t i = 0; i < count; ++i) {
        KeyCell& cell = cells[i * keys_.size()];
        if (!cell.null) cell.bits += pack_text(batch.arena.size(), 0);
      }
    }
    return {batch.arena, made_};
  }

  void clear() {
    table_.clear();
    touched_.clear();
    numbers_.clear();
    for (const auto& measure : measures_) measure->clear();
  }

  void accumulate(const RecordBatch& batch) {
    numbers_.resize(table_.size(), BucketTable::kNone);
    for (const Placed& placed : placed_) {
      uint32_t& number = numbers_[placed.bucket];
      if (number != BucketTable::kNone) continue;
      number = static_cast<uint32_t>(touched_.size());
      touched_.push_back(placed.bucket);
    }
    for (size_t i = 0; i < measures_.size(); ++i) {
      measures_[i]->grow(table_);
      measures_[i]->add(measure_computed_[i] ? *computed_columns_ : batch, placed_);
    }
  }

  AggregateSpec spec_;
  std::vector<AggregateColumn> columns_;
  std::vector<size_t> inputs_;
  const size_t known_bytes_;  // for the buckets' keys, and for the values of each count_distinct
  std::vector<Key> keys_;
  std::vector<bool> key_computed_;
  std::vector<std::unique_ptr<Accumulator>> measures_;
  std::vector<bool> measure_computed_;
  std::unique_ptr<Computed> computed_;             // null when columns and functions of one do
  const RecordBatch* computed_columns_ = nullptr;  // of the batch at hand
  uint64_t seed_;
  BucketTable table_;
  std::vector<uint32_t> touched_;  // places in table_
  std::vector<uint32_t> numbers_;  // of each place: where it is in touched_; kNone: it is not
  std::vector<KeyCell> cells_;     // of the batch at hand: the keys of its first row, of its second, …
  std::string made_;               // of the batch at hand: text of keys that does not stand in its arena
  std::vector<Placed> placed_;
};

}  // namespace

Result<std::unique_ptr<Aggregate>> bind_with_known_bytes(const AggregateSpec& spec, const Schema& schema,
                                                         size_t known_bytes) {
  LEAT_ASSIGN(Binding binding, bind_aggregate(spec, schema));
  return std::unique_ptr<Aggregate>(std::make_unique<Buckets>(spec, std::move(binding), known_bytes));
}

Result<std::unique_ptr<Aggregate>> Aggregate::bind(const AggregateSpec& spec, const Schema& schema, Keeping keeping) {
  return bind_with_known_bytes(spec, schema, keeping == Keeping::all ? kUnbounded : kKnownBytes);
}

}  // namespace leat
