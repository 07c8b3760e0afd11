#include "sinks/null.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "aggregates/aggregate.h"
#include "base/hash.h"
#include "base/text.h"
#include "flow/results.h"

namespace leat {
namespace {

// The columns that were there keep their places.
bool begins_as(const Schema& schema, const Schema& before) {
  return schema.fields.size() >= before.fields.size() &&
         std::equal(before.fields.begin(), before.fields.end(), schema.fields.begin());
}

class NullSink final : public Sink, private Results {
 public:
  NullSink(const NullOptions& options, Note note) : options_(options), note_(std::move(note)) {}

  Result<Positions> open(const SinkPlan& plan) override {
    rollback();
    if (begins_again_ && note_) {
      note_(NoteLevel::warning,
            "what was counted so far is lost (type = \"null\" keeps nothing); everything is read again");
    }
    begins_again_ = false;
    if (schema_ != nullptr && !begins_as(*plan.schema, *schema_)) forget();
    if (schema_ == nullptr) LEAT_TRY(bind(plan));
    schema_ = plan.schema;
    open_ = true;
    Positions positions;
    for (const auto& [part, state] : parts_) {
      if (state.committed) positions.push_back(state.position);
    }
    return positions;
  }

  void prepare(RecordBatch& batch) const override {
    auto counted = std::make_shared<CountedBatch>();
    for (const auto& aggregate : aggregates_) counted->counted.push_back(aggregate->count(batch));
    batch.prepared = std::move(counted);
  }

  Result<Written> write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) override {
    if (!open_) return Status::bug("a sink of type null is written to while it is not open");
    Written written;
    if (count == 0 && rejects.empty()) return written;
    dirty_ = true;
    Part& part = parts_[batch.part];
    uint64_t begin = count > 0 ? batch.origin_of(first).offset : UINT64_MAX;
    for (const Reject& reject : rejects) begin = std::min(begin, reject.byte_offset);
    if (part.provisional_at && begin >= *part.provisional_at) part.forget_provisional();
    if (batch.provisional) {
      part.provisional_at = begin;
      if (count > 0) part.provisional.emplace(batch);
    } else {
      for (size_t i = 0; i < aggregates_.size(); ++i) add_prepared(*aggregates_[i], i, batch, first, count);
      LEAT_TRY(check_memory());
    }
    written.inserted = count;
    for (size_t row = first; row < first + count; ++row) written.digest += mix64(batch.origin_of(row).offset);
    return written;
  }

  Status commit(const Positions& moved, const Ranges& ranges) override {
    if (!open_) return Status::bug("a sink of type null is committed while it is not open");
    for (const Range& range : ranges) {
      if (!range.void_from || *range.void_from == range.start || aggregates_.empty()) continue;
      return Status::fatal(
          fmt::format("part {}: records that were counted already have changed and come again, and a sink of type null "
                      "cannot take them back; run again, or name a sink that is a database",
                      quoted(range.part)));
    }
    for (const Position& position : moved) {
      Part& part = parts_[position.part];
      part.position = position;
      part.committed = true;
      if (part.provisional_at && position.offset > *part.provisional_at) part.forget_provisional();
    }
    dirty_ = false;
    return {};
  }

  void rollback() noexcept override {
    open_ = false;
    if (!dirty_) return;
    begins_again_ =
        begins_again_ || std::any_of(parts_.begin(), parts_.end(), [](const auto& p) { return p.second.committed; });
    forget();
  }

  Status finish() override {
    open_ = false;
    return {};
  }
  void note_trouble(const std::string&) noexcept override {}

  // Nothing to show after a failure in between two commits: numbers of half a run look like those of a whole one.
  const Results* results() override {
    if (schema_ == nullptr) return nullptr;
    for (auto& [name, part] : parts_) {
      if (!part.provisional) continue;
      for (const auto& aggregate : aggregates_) aggregate->add(*part.provisional, 0, part.provisional->rows());
      part.forget_provisional();
    }
    return this;
  }

 private:
  struct Part {
    Position position;
    bool committed = false;
    std::optional<uint64_t> provisional_at;  // where the provisional record begins
    std::optional<RecordBatch> provisional;  // its row; none when it is a reject
    void forget_provisional() {
      provisional_at.reset();
      provisional.reset();
    }
  };

  Status bind(const SinkPlan& plan) {
    for (const AggregateSpec& spec : plan.aggregates) {
      LEAT_ASSIGN(auto aggregate, Aggregate::bind(spec, *plan.schema, Keeping::all));
      std::vector<ResultColumn> columns;
      for (const AggregateColumn& column : aggregate->columns())
        columns.push_back({column.name, column.type, column.key});
      aggregates_.push_back(std::move(aggregate));
      columns_.push_back(std::move(columns));
    }
    return {};
  }

  void forget() {
    aggregates_.clear();
    columns_.clear();
    parts_.clear();
    schema_.reset();
    dirty_ = false;
  }

  Status check_memory() {
    uint64_t bytes = 0;
    const Aggregate* largest = nullptr;
    for (const auto& aggregate : aggregates_) {
      bytes += aggregate->memory_bytes();
      if (largest == nullptr || aggregate->memory_bytes() > largest->memory_bytes()) largest = aggregate.get();
    }
    if (bytes <= options_.max_memory_bytes) return {};
    const size_t buckets = largest->buckets();
    return Status::fatal(fmt::format(
        "the aggregates take {}, more than the {} that max_memory allows; the largest is {}: {} with {} {}. Raise "
        "max_memory of the sink, leave that aggregate out, or name a sink that is a database",
        human_bytes(bytes), human_bytes(options_.max_memory_bytes), quoted(largest->spec().name),
        human_bytes(largest->memory_bytes()), with_commas(buckets), buckets == 1 ? "bucket" : "buckets"));
  }

  [[nodiscard]] size_t tables() const override { return aggregates_.size(); }
  [[nodiscard]] const std::string& name(size_t table) const override { return aggregates_[table]->spec().name; }
  [[nodiscard]] const std::vector<ResultColumn>& columns(size_t table) const override { return columns_[table]; }
  [[nodiscard]] size_t rows(size_t table) const override { return aggregates_[table]->buckets(); }
  [[nodiscard]] ResultCell cell(size_t table, size_t row, size_t column) const override {
    const AggregateValue value = aggregates_[table]->value(row, column);
    switch (value.kind) {
      case AggregateValue::Kind::null:
        break;
      case AggregateValue::Kind::integer:
        return value.integer;
      case AggregateValue::Kind::real:
        return value.real;
      case AggregateValue::Kind::text:
        return value.text;
    }
    return std::monostate();
  }

  const NullOptions options_;
  Note note_;
  SchemaPtr schema_;  // null: nothing is known of the pipeline
  bool open_ = false;
  bool dirty_ = false;         // something was written since the last commit
  bool begins_again_ = false;  // what was committed is forgotten
  std::vector<std::unique_ptr<Aggregate>> aggregates_;
  std::vector<std::vector<ResultColumn>> columns_;  // of each aggregate
  std::map<std::string, Part, std::less<>> parts_;
};

}  // namespace

std::unique_ptr<Sink> make_null_sink(const NullOptions& options, Note note) {
  return std::make_unique<NullSink>(options, std::move(note));
}

}  // namespace leat
