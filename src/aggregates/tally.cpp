#include "aggregates/tally.h"

#include <algorithm>
#include <bit>

#include "aggregates/binding.h"
#include "aggregates/bucket_table.h"
#include "aggregates/computed.h"
#include "aggregates/key_cells.h"

namespace leat {
namespace {

// A value as a cell of `type` shows it.
AggregateValue value_of(const KeyCell& cell, Type type, std::string_view text) {
  AggregateValue value;
  if (cell.null) return value;
  if (is_text(type)) {
    value.kind = AggregateValue::Kind::text;
    value.text = text;
  } else if (type == Type::real) {
    value.kind = AggregateValue::Kind::real;
    value.real = std::bit_cast<double>(cell.bits);
  } else {
    value.kind = AggregateValue::Kind::integer;
    value.integer = static_cast<int64_t>(cell.bits);
  }
  return value;
}

// The only Tally there is.
class Tallies final : public Tally {
 public:
  Tallies(AggregateSpec spec, Binding binding)
      : spec_(std::move(spec)),
        binding_(std::move(binding)),
        // Of no meaning, but not to be guessed by whoever writes the data: where this object was put.
        seed_(mix64(reinterpret_cast<uintptr_t>(this))),
        keys_(make_keys(binding_, seed_)),
        table_(text_keys(binding_), seed_),
        sums_(binding_.measures.size()),
        computed_(binding_.computed),
        cells_(binding_, seed_) {
    for (const BoundMeasure& measure : binding_.measures) values_.emplace_back(measure.type, seed_);
  }

  [[nodiscard]] const AggregateSpec& spec() const override { return spec_; }
  [[nodiscard]] const std::vector<AggregateColumn>& columns() const override { return binding_.columns; }
  [[nodiscard]] const std::vector<size_t>& inputs() const override { return binding_.inputs; }

  void add(const RecordBatch& batch, size_t first, size_t count, int times) override {
    if (count == 0) return;
    computed_.evaluate(batch, first, count);
    cells_.evaluate(batch, computed_, first, count);
    placed_.resize(count);
    table_.place(cells_.cells(), cells_.texts(batch), static_cast<uint32_t>(first), count, placed_.data());
    rows_.resize(table_.size());
    for (const Placed& placed : placed_) rows_[placed.bucket] += times;
    for (size_t i = 0; i < binding_.measures.size(); ++i) {
      if (binding_.measures[i].measure == Measure::sum) {
        add_sums(batch, i, times);
      } else if (binding_.measures[i].measure != Measure::count) {
        add_values(batch, i, times);
      }
    }
  }

  [[nodiscard]] size_t buckets() const override { return table_.size(); }
  [[nodiscard]] AggregateValue key(size_t bucket, size_t column) const override {
    const KeyCell& cell = table_.key(bucket, column);
    if (!cell.null && keys_[column].shown_as_text()) {
      AggregateValue value;
      value.kind = AggregateValue::Kind::text;
      value.text = keys_[column].shown_text(static_cast<int64_t>(cell.bits));
      return value;
    }
    const bool text = keys_[column].text();
    return value_of(cell, binding_.columns[column].type, text ? table_.text(bucket, column) : "");
  }
  [[nodiscard]] int64_t rows(size_t bucket) const override { return rows_[bucket]; }
  [[nodiscard]] const ExactSum& sum(size_t bucket, size_t column) const override {
    return sums_[column - keys_.size()][bucket];
  }

  Status for_each_value(size_t column,
                        const std::function<Status(size_t, const AggregateValue&, int64_t)>& visit) const override {
    const Type type = binding_.measures[column - keys_.size()].type;
    const Values& values = values_[column - keys_.size()];
    std::vector<uint32_t> order;
    for (uint32_t at = 0; at < values.places.size(); ++at) {
      if (values.rows[at] != 0) order.push_back(at);
    }
    const auto bucket = [&](uint32_t at) { return static_cast<size_t>(values.places.key(at, 0).bits); };
    const auto bits = [&](uint32_t at) { return values.places.key(at, 1).bits; };
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      if (bucket(a) != bucket(b)) return bucket(a) < bucket(b);
      if (is_text(type)) return values.places.text(a, 1) < values.places.text(b, 1);
      if (type == Type::real) return std::bit_cast<double>(bits(a)) < std::bit_cast<double>(bits(b));
      return static_cast<int64_t>(bits(a)) < static_cast<int64_t>(bits(b));
    });
    for (const uint32_t at : order) {
      const std::string_view text = is_text(type) ? values.places.text(at, 1) : "";
      LEAT_TRY(visit(bucket(at), value_of(values.places.key(at, 1), type, text), values.rows[at]));
    }
    return {};
  }

  void clear() override {
    table_.clear();
    for (Key& key : keys_) key.forget();
    rows_.clear();
    for (auto& sums : sums_) sums.clear();
    for (Values& values : values_) {
      values.places.clear();
      values.rows.clear();
    }
  }

 private:
  // Of one measure: pairs of bucket and value, and how many rows each has gained.
  struct Values {
    Values(Type type, uint64_t seed) : places({false, is_text(type)}, seed) {}
    BucketTable places;
    std::vector<int64_t> rows;
  };

  void add_sums(const RecordBatch& batch, size_t measure, int times) {
    const BoundMeasure& bound = binding_.measures[measure];
    const RecordBatch& source = computed_.source(bound.computed, batch);
    std::vector<ExactSum>& sums = sums_[measure];
    sums.resize(table_.size());
    for (const Placed& placed : placed_) {
      const KeyCell cell = cell_of(source, bound.input, bound.type, placed.row);
      if (cell.null) continue;
      if (bound.type == Type::real) {
        sums[placed.bucket].add(std::bit_cast<double>(cell.bits), times);
      } else {
        sums[placed.bucket].add(static_cast<int64_t>(cell.bits), times);
      }
    }
  }

  void add_values(const RecordBatch& batch, size_t measure, int times) {
    const BoundMeasure& bound = binding_.measures[measure];
    const RecordBatch& source = computed_.source(bound.computed, batch);
    Values& values = values_[measure];
    for (const Placed& placed : placed_) {
      const KeyCell cell = cell_of(source, bound.input, bound.type, placed.row);
      if (cell.null) continue;
      const KeyCell pair[2] = {{.bits = placed.bucket, .null = false}, cell};
      const uint32_t at = values.places.find_or_add(pair, {source.arena, ""});
      if (at == values.rows.size()) values.rows.push_back(0);
      values.rows[at] += times;
    }
  }

  const AggregateSpec spec_;
  const Binding binding_;
  const uint64_t seed_;
  std::vector<Key> keys_;  // to show them
  BucketTable table_;
  std::vector<int64_t> rows_;                // of the buckets
  std::vector<std::vector<ExactSum>> sums_;  // of each measure: of the buckets
  std::vector<Values> values_;               // of each measure
  Computed computed_;                        // of the batch at hand, as what follows
  KeyCells cells_;
  std::vector<Placed> placed_;
};

}  // namespace

Result<std::unique_ptr<Tally>> Tally::bind(const AggregateSpec& spec, const Schema& schema) {
  LEAT_ASSIGN(Binding binding, bind_aggregate(spec, schema));
  return std::unique_ptr<Tally>(std::make_unique<Tallies>(spec, std::move(binding)));
}

}  // namespace leat
