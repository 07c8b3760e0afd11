#include "transforms/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/text.h"

namespace leat {
namespace {

class Rename final : public Transform {
 public:
  Rename(std::vector<Entry> columns, Blame blame) : columns_(std::move(columns)), blame_(std::move(blame)) {}

  Result<SchemaPtr> bind(const SchemaPtr& in) override {
    auto out = std::make_shared<Schema>(*in);
    from_.resize(in->fields.size());
    std::iota(from_.begin(), from_.end(), size_t{0});
    for (const Entry& column : columns_) {
      LEAT_ASSIGN(const size_t index, column_named(column.key, column.key_at, *in, blame_));
      out->fields[index].name = column.value.text;
    }
    for (const Entry& column : columns_) {
      const auto same = [&](const Field& field) { return same_name(field.name, column.value.text); };
      if (std::count_if(out->fields.begin(), out->fields.end(), same) == 1) continue;
      return blame_(column.value.at, fmt::format("two columns would have the name {}", shown(column.value)));
    }
    out_ = std::move(out);
    return out_;
  }

  void apply(RecordBatch& batch, Rejects& /*rejects*/, uint64_t& /*filtered*/) const override {
    batch.reshape(out_, from_);
  }

 private:
  std::vector<Entry> columns_;
  Blame blame_;
  SchemaPtr out_;
  std::vector<size_t> from_;
};

class Drop final : public Transform {
 public:
  Drop(std::vector<Value> columns, Blame blame) : columns_(std::move(columns)), blame_(std::move(blame)) {}

  Result<SchemaPtr> bind(const SchemaPtr& in) override {
    std::vector<bool> dropped(in->fields.size());
    for (const Value& column : columns_) {
      LEAT_ASSIGN(const size_t index, column_named(column.text, column.at, *in, blame_));
      dropped[index] = true;
    }
    auto out = std::make_shared<Schema>();
    from_.clear();
    for (size_t i = 0; i < dropped.size(); ++i) {
      if (dropped[i]) continue;
      from_.push_back(i);
      out->fields.push_back(in->fields[i]);
    }
    if (out->fields.empty()) return blame_(columns_.front().at, "no column would be left");
    out_ = std::move(out);
    return out_;
  }

  void apply(RecordBatch& batch, Rejects& /*rejects*/, uint64_t& /*filtered*/) const override {
    batch.reshape(out_, from_);
  }

 private:
  std::vector<Value> columns_;
  Blame blame_;
  SchemaPtr out_;
  std::vector<size_t> from_;
};

}  // namespace

std::unique_ptr<Transform> make_rename(std::vector<Entry> columns, Blame blame) {
  return std::make_unique<Rename>(std::move(columns), std::move(blame));
}

std::unique_ptr<Transform> make_drop(std::vector<Value> columns, Blame blame) {
  return std::make_unique<Drop>(std::move(columns), std::move(blame));
}

}  // namespace leat
