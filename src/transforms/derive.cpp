#include "transforms/derive.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "transforms/evaluations.h"

namespace leat {
namespace {

class Derive final : public Transform {
 public:
  Derive(DeriveOptions options, Blame blame) : options_(std::move(options)), blame_(std::move(blame)) {}

  Result<SchemaPtr> bind(const SchemaPtr& in) override {
    columns_.clear();
    auto out = std::make_shared<Schema>(*in);
    from_.resize(in->fields.size());
    std::iota(from_.begin(), from_.end(), size_t{0});
    for (const Entry& column : options_.columns) {
      const auto taken = std::find_if(out->fields.begin(), out->fields.end(),
                                      [&](const Field& field) { return same_name(field.name, column.key); });
      if (taken != out->fields.end()) {
        return blame_(column.key_at, fmt::format("there is a column {} already: take another name, or rename or drop "
                                                 "that one before",
                                                 quoted(taken->name)));
      }
      LEAT_ASSIGN(auto bound, bind_written(column.value, *in, options_.timezone, blame_));
      out->fields.push_back({column.key, bound->type()});
      from_.push_back(RecordBatch::kNewColumn);
      columns_.push_back(std::make_unique<Evaluations>(std::move(bound)));
    }
    out_ = std::move(out);
    return out_;
  }

  void apply(RecordBatch& batch, Rejects& rejects, uint64_t& /*filtered*/) const override {
    const size_t before = from_.size() - columns_.size();
    Refused refused(batch);
    batch.reshape(out_, from_);
    for (size_t i = 0; i < columns_.size(); ++i) {
      std::vector<Trouble> troubles;
      columns_[i]->with_one([&](Evaluation& evaluation) {
        evaluation.values(batch, 0, batch.rows(), batch.cells(before + i), batch.validity(before + i), &troubles);
        batch.arena += evaluation.made();
      });
      refused.add(batch, troubles, options_.columns[i].key, fmt::format("{}: ", shown(options_.columns[i].value)),
                  rejects);
    }
    refused.take_out(batch);
  }

 private:
  DeriveOptions options_;
  Blame blame_;
  SchemaPtr out_;
  std::vector<size_t> from_;
  std::vector<std::unique_ptr<Evaluations>> columns_;
};

}  // namespace

std::unique_ptr<Transform> make_derive(DeriveOptions options, Blame blame) {
  return std::make_unique<Derive>(std::move(options), std::move(blame));
}

}  // namespace leat
